"""Start the page: `python app.py`. Hosts that look for `demo` (Hugging Face Spaces) find it here."""

from app.server.serving import StopSignal, serve
from app.start import parse_arguments, prepare

stop = StopSignal() if __name__ == "__main__" else None
site = prepare(parse_arguments(None if stop else []))
demo = site.page

if stop:
    serve(site, stop)
