"""Start the page: `python app.py`. Hosts that look for `demo` (Hugging Face Spaces) find it here."""

from app.cli import parse_arguments, prepare

options = parse_arguments() if __name__ == "__main__" else parse_arguments([])
demo, launch_options = prepare(options)

if __name__ == "__main__":
    demo.launch(**launch_options)
