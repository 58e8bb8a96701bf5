"""What people do on a page.

Owns who is let in (`doors`, `cookies`, `links`), what no request may do (`guard`, `rates`), what is
posted (`wire`, `intake`), and what is answered to browsers (`app`, `streams`, `inspector`).
"""
