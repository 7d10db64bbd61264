/** Cuts a growing fragmented MP4 into what the media socket sends. */

/**
 * Takes chunks of bytes; calls `emit` with the initialisation segment (ftyp + moov), then with each media
 * segment (moof + mdat). Other boxes are left out.
 */
export function mediaSegments(emit) {
  let rest = Buffer.alloc(0);
  let head = null;
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= 8 && rest.length >= rest.readUInt32BE(0)) {
      const size = rest.readUInt32BE(0);
      const type = rest.toString("latin1", 4, 8);
      const box = rest.subarray(0, size);
      rest = rest.subarray(size);
      if (type === "ftyp" || type === "moof") head = box;
      if (head && (type === "moov" || type === "mdat")) {
        emit(Buffer.concat([head, box]));
        head = null;
      }
    }
  };
}
