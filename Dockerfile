# CPU image of the page: docker build -t mpm-explorer . && docker run -p 7860:7860 mpm-explorer
FROM python:3.12-slim

# OpenCV's wheels link against these two; slim images lack them.
RUN apt-get update \
    && apt-get install -y --no-install-recommends libgl1 libglib2.0-0 \
    && rm -rf /var/lib/apt/lists/*

# PyTorch's CPU wheels: those of the general index bring gigabytes of CUDA along.
RUN pip install --no-cache-dir torch torchvision --index-url https://download.pytorch.org/whl/cpu
COPY requirements.txt /tmp/
RUN pip install --no-cache-dir -r /tmp/requirements.txt

RUN useradd --create-home --uid 1000 explorer
WORKDIR /srv/mpm-explorer
COPY . .
USER explorer

# Models to have inside the image: names of `mpm models`, or hub ids, between spaces.
ARG MODELS=""
RUN for model in $MODELS; do python -m mpm models --download "$model" || exit 1; done

ENV GRADIO_SERVER_NAME=0.0.0.0 GRADIO_SERVER_PORT=7860 PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=5s --start-period=120s CMD ["python", "-m", "app.server.health"]
CMD ["python", "app.py"]
