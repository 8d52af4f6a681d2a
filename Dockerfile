# The studio with its backend on one machine, or only one of them:
#   docker build -t fourfold .
#   docker run --rm -p 127.0.0.1:8501:8501 -v fourfold:/data fourfold             # both, for this computer alone
#   docker run --rm --gpus all -p 7860:7860 -v fourfold:/data fourfold backend    # the models, on a GPU host
FROM python:3.11-slim

RUN useradd --create-home fourfold && mkdir /data && chown fourfold /data
WORKDIR /fourfold
COPY requirements.txt constraints.txt ./
RUN pip install --no-cache-dir -r requirements.txt -c constraints.txt
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

USER fourfold
ENV FOURFOLD_HOME=/data/library FOURFOLD_WEIGHTS=/data/weights HOST=0.0.0.0 PORT=8501
VOLUME /data
EXPOSE 8501 7860
HEALTHCHECK --start-period=60s --interval=30s --timeout=10s CMD ["/bin/sh", "docker/health.sh"]
ENTRYPOINT ["/bin/sh", "docker/start.sh"]
CMD ["studio"]
