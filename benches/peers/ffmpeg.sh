# The ffmpeg side of a peer: `key` is the filter that makes the screen transparent. Read with `.`, not run.
# shellcheck shell=bash disable=SC2154
. "$(dirname "${BASH_SOURCE[0]}")/common.sh" "$@"
ffmpeg=(ffmpeg -nostdin -v error -y -threads 1 -filter_threads 1 -filter_complex_threads 1)
inputs=(-i "$slides" -i "$presenter")
# The slides' stream is repeated by reference, not by reading it again.
graph="[0:v]fps=30[slide];[1:v]$key[cut];[slide][cut]overlay=x=$x:y=$y:eof_action=repeat,format=yuv420p[out]"
case "$mode" in
  work)   "${ffmpeg[@]}" "${inputs[@]}" -filter_complex "$graph" -map '[out]' -t "$seconds" -f null - ;;
  read)   "${ffmpeg[@]}" "${inputs[@]}" -filter_complex "[0:v]fps=30[slide];[1:v]null[cut]" \
            -map '[slide]' -t "$seconds" -f null - -map '[cut]' -t "$seconds" -f null - ;;
  frames) "${ffmpeg[@]}" "${inputs[@]}" -filter_complex "$graph" -map '[out]' -t "$seconds" -f rawvideo "$out" ;;
  render) "${ffmpeg[@]}" "${inputs[@]}" -i "$wav" -filter_complex "$graph" -map '[out]' -map 2:a -t "$seconds" \
            -c:v libx264 -preset "$x264_preset" -crf "$x264_crf" -threads "$x264_threads" -g "$keyframe" \
            -c:a aac "${aac[@]}" -b:a "$aac_bitrate" -ar 48000 "$out" ;;
esac
