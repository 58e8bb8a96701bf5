"""One event on its way to its commit. `turns` reads as one page; the other files are its stages."""
