# What every film is encoded with, on both sides; read with `.`, not run.
# shellcheck shell=bash disable=SC2034
x264_preset=veryfast x264_crf=23 x264_threads=2 keyframe=60 aac_bitrate=192000
aac=(-aac_coder fast -aac_ms 1 -aac_is 0 -aac_pns 0 -aac_tns 0)
