"""One real app, on a page of the web and on Telegram at once: by the command line."""

from pathlib import Path

import pytest

gr = pytest.importorskip("gradio", reason="the extra gradio is not installed")
pytest.importorskip("telegram", reason="python-telegram-bot is not installed")
pytest.importorskip("multipart", reason="python-multipart is not installed")


async def test_a_conversation_on_both(tmp_path: Path) -> None:
    """Each person has a history of their own there, and the file stays as it is."""
    from adapters.both_platforms import converse

    messages = ', type="messages"' if gr.__version__.startswith("5.") else ""
    app = tmp_path / "demo.py"
    app.write_text(f"""import gradio as gr

def answer(message, history):
    return f"{{message}} after {{len(history)}}"

demo = gr.ChatInterface(answer{messages})

if __name__ == "__main__":
    demo.launch()
""")
    shown, told = await converse(app, tmp_path)
    assert shown == ["page 1", "page 1 after 0", "page 2", "page 2 after 2"]
    assert told == ["chat 1 after 0", "chat 2 after 2"]
