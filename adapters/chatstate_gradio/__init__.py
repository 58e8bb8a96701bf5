"""Gradio's apps as bots: a real `gr.Interface`, `gr.ChatInterface` or `gr.Blocks` with a chat.

`apps` finds the app of a file that `chatstate run` loads, `launching` what the file says of how it
is served. `interface`, `chat` and `page` make bots of the three shapes; `calls` calls a function
of an app as Gradio does, `sessions` keeps its states. `asking` makes what people send the payloads
that components take, `showing` shows the payloads that they give. `library` has all that is used of
Gradio, which 5 and 6 have; `data`, `paths` and `fetching` know nothing of it.

The core never imports this: the entry point `gradio` of `chatstate.apps` names `apps.GradioApps`.
"""
