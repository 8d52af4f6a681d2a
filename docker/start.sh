# The weights that came with the image, where this volume has none of theirs yet; times are preserved, so they are not
# hashed again.
mkdir -p "$FOURFOLD_WEIGHTS"
for folder in /opt/weights/*/; do
    if [ -d "$folder" ] && [ ! -e "$FOURFOLD_WEIGHTS/$(basename "$folder")" ]; then
        cp -Rp "$folder" "$FOURFOLD_WEIGHTS/"
    fi
done
# What the container runs: the studio (with a backend of its own unless FOURFOLD_BACKEND names one), a backend alone, or
# a part of a cluster: `worker ADDRESS`, the ingress that starts a cluster, or `join ADDRESS`, one that joins it.
case "$1" in
    studio) shift; exec python -m studio "$@" ;;
    backend) shift; exec python -m backends serve --host 0.0.0.0 --port 7860 "$@" ;;
    ingress) shift; ray start --head --num-cpus=0 --num-gpus=0 --include-dashboard=false --disable-usage-stats
        exec python -m backends serve --host 0.0.0.0 --port 7860 --ray auto "$@" ;;
    join) address=$2; shift 2; ray start --address="$address" --num-cpus=0 --num-gpus=0 --disable-usage-stats
        exec python -m backends serve --host 0.0.0.0 --port 7860 --ray auto "$@" ;;
    worker) exec ray start --address="$2" --disable-usage-stats --block ;;
    *) exec python -m backends "$@" ;;
esac
