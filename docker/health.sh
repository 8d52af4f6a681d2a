# Whether the studio or the backend of this container answers, on whichever port it has.
for address in "http://127.0.0.1:${PORT:-8501}/healthz" http://127.0.0.1:7860/healthz; do
    python -c "import sys, urllib.request; urllib.request.urlopen(sys.argv[1], timeout=4)" "$address" 2>/dev/null && exit 0
done
exit 1
