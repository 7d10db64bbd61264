# Shared by the peers that key and place; read with `.`, not run.
#
# Each takes: MODE PRESENTER SLIDES SECONDS [WAV OUT]; the last of the SLIDES only says when the one before ends.
#   work    key the presenter (960x540) and place it over the slides (1080p, a picture every 6 s), throw the result away
#   read    read both and throw them away: what `work` is charged with beside its own work
#   frames  as work, for a few pictures; they go to OUT as raw I420
#   render  as work, with the sound of WAV, to H.264 and AAC in the file OUT
# One thread for filters, two for x264, as in Lectern's graph. The small picture is keyed before it is placed.
# shellcheck shell=bash disable=SC2034,SC1091
set -euo pipefail
mode="$1" presenter="$2" slides="$3" seconds="$4" wav="${5:-}" out="${6:-}"
x=936 y=540                                  # bottom right, 24 from the edge: Lectern's margin 16, which counts at 720p
. "$(dirname "${BASH_SOURCE[0]}")/encoders.sh"
