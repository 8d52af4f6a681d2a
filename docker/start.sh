# What the container runs: the studio (with a backend of its own unless FOURFOLD_BACKEND names one), or a backend alone.
case "$1" in
    studio) exec python -m studio ;;
    backend) exec python -m backends serve --host 0.0.0.0 --port 7860 ;;
    *) exec python -m backends "$@" ;;
esac
