"""How files that can be cut out are called; what they are is decided by their bytes."""

VIDEO_ENDINGS = (
    *("mp4", "mov", "m4v", "qt", "webm", "mkv", "avi", "divx"),
    *("mts", "m2ts", "m2t", "ts", "mpg", "mpeg", "m2v", "vob", "mod", "tod"),
    *("mxf", "3gp", "3g2", "flv", "f4v", "wmv", "asf", "ogv", "ogm", "dv", "nut"),
    *("h264", "264", "hevc", "h265", "265", "ivf", "obu", "mjpeg", "mjpg"),
    *("gif", "apng", "avifs"),
)
PICTURE_ENDINGS = (
    *("png", "jpg", "jpeg", "jfif", "jpe", "mpo", "webp", "heic", "heif", "hif"),
    *("bmp", "tif", "tiff", "avif"),
)
