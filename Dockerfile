# The studio with its backend on one machine, or only one of them:
#   docker build -t fourfold .
#   docker run --rm -p 8501:8501 -v fourfold:/data fourfold                       # both
#   docker run --rm --gpus all -p 7860:7860 -v fourfold:/data fourfold backend    # the models, on a GPU host
FROM python:3.11-slim

RUN useradd --create-home fourfold && mkdir /data && chown fourfold /data
WORKDIR /fourfold
COPY requirements.txt constraints.txt ./
RUN pip install --no-cache-dir -r requirements.txt -c constraints.txt
COPY . .

USER fourfold
ENV FOURFOLD_HOME=/data/library FOURFOLD_WEIGHTS=/data/weights HOST=0.0.0.0 PORT=8501
VOLUME /data
EXPOSE 8501 7860
ENTRYPOINT ["/bin/sh", "docker/start.sh"]
CMD ["studio"]
