# Not built in CI, which has no Docker: see docs/operations.md.
FROM python:3.13-slim AS build
WORKDIR /build
COPY requirements.lock pyproject.toml ./
# Everything that is installed is in the lock, and held against its hashes.
RUN sed -n '/^uv==/,/^ *--hash=.*[0-9a-f]$/p' requirements.lock > uv.lock \
    && pip install --no-cache-dir --no-deps --require-hashes --requirement uv.lock
RUN python -m venv /opt/holdfast \
    && uv pip install --python /opt/holdfast --no-cache --compile-bytecode \
        --constraint requirements.lock --requirement pyproject.toml \
    && uv pip install --system --no-cache --constraint requirements.lock hatchling
COPY README.md LICENSE ./
COPY features features
COPY simulation simulation
COPY training training
COPY offers offers
COPY serving serving
COPY holdfast holdfast
RUN python -m hatchling build --target wheel --directory dist \
    && uv pip install --python /opt/holdfast --no-cache --compile-bytecode --no-deps dist/*.whl

FROM python:3.13-slim
# LightGBM needs it.
RUN apt-get update && apt-get install --yes --no-install-recommends libgomp1 \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /opt/holdfast /opt/holdfast
ENV PATH=/opt/holdfast/bin:$PATH PYTHONUNBUFFERED=1
RUN useradd --uid 10001 --create-home holdfast && install --directory --owner holdfast /data
USER holdfast
WORKDIR /data
VOLUME /data
ENV HOLDFAST_HOST=0.0.0.0
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
CMD ["holdfast", "serve"]
