package main

import (
	"encoding/binary"
	"math"
	"slices"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

// Counts is what one track brought.
type Counts struct {
	Codec     string `json:"codec,omitempty"`
	Packets   int    `json:"packets"`
	Bytes     int    `json:"bytes"`
	Frames    int    `json:"frames"`    // different RTP timestamps
	Keyframes int    `json:"keyframes"` // video only
	Lost      int    `json:"lost"`      // sequence numbers that never came
	Reports   int    `json:"sender_reports"`
	// Milliseconds from the beginning of the join; 0: never. Left out of the sum over all joins.
	FirstPacket   float64 `json:"first_packet_ms,omitempty"`
	FirstKeyframe float64 `json:"first_keyframe_ms,omitempty"`
	LongestGap    float64 `json:"longest_gap_ms"` // between two packets that begin a frame

	began          time.Time
	first, highest uint64 // sequence numbers, extended over the wrap of 16 bits
	timestamp      uint32
	keyframeAt     uint32
	frameAt        time.Time
	clockRate      float64
	report         *rtcp.SenderReport
	delays         []float64 // seconds from the sender's clock to arrival here; an unknown constant for every track of one sender
}

func (counts *Counts) add(other Counts) {
	if other.Codec != "" {
		counts.Codec = other.Codec
	}
	counts.Packets += other.Packets
	counts.Bytes += other.Bytes
	counts.Frames += other.Frames
	counts.Keyframes += other.Keyframes
	counts.Lost += other.Lost
	counts.Reports += other.Reports
	counts.LongestGap = max(counts.LongestGap, other.LongestGap)
}

// packet counts one RTP packet; true when it is of a keyframe.
func (counts *Counts) packet(packet *rtp.Packet, now time.Time) bool {
	counts.Packets++
	counts.Bytes += len(packet.Payload)
	sequence := counts.extend(packet.SequenceNumber)
	if counts.Packets == 1 {
		counts.FirstPacket = milliseconds(now.Sub(counts.began))
		counts.first, counts.highest = sequence, sequence
	}
	counts.first, counts.highest = min(counts.first, sequence), max(counts.highest, sequence)
	counts.Lost = max(0, int(counts.highest-counts.first)+1-counts.Packets)

	if counts.Frames == 0 || packet.Timestamp != counts.timestamp && sequence == counts.highest {
		if counts.Frames > 0 {
			counts.LongestGap = max(counts.LongestGap, milliseconds(now.Sub(counts.frameAt)))
		}
		counts.Frames++
		counts.timestamp, counts.frameAt = packet.Timestamp, now
		counts.delay(packet.Timestamp, now)
	}
	key := isKey(counts.Codec, packet.Payload)
	if key && (counts.Keyframes == 0 || packet.Timestamp != counts.keyframeAt) {
		if counts.Keyframes == 0 {
			counts.FirstKeyframe = milliseconds(now.Sub(counts.began))
		}
		counts.Keyframes++
		counts.keyframeAt = packet.Timestamp
	}
	return key
}

// extend turns a sequence number of 16 bits into one that does not wrap: the value nearest to the highest so far.
func (counts *Counts) extend(number uint16) uint64 {
	if counts.Packets <= 1 {
		return 1<<16 + uint64(number)
	}
	return uint64(int64(counts.highest) + int64(int16(number-uint16(counts.highest))))
}

// delay notes how long after the sender's clock a frame came, once a sender report has tied RTP timestamps to that clock.
func (counts *Counts) delay(timestamp uint32, now time.Time) {
	if counts.report == nil {
		return
	}
	since := float64(int32(timestamp-counts.report.RTPTime)) / counts.clockRate
	sent := float64(counts.report.NTPTime>>32) + float64(uint32(counts.report.NTPTime))/math.Exp2(32) + since
	arrived := float64(now.UnixNano())/1e9 + 2_208_988_800 // NTP counts from 1900
	counts.delays = append(counts.delays, arrived-sent)
}

// skew is by how many milliseconds sound comes after the picture it belongs to; nil without sender reports of both.
func skew(audio, video Counts) *float64 {
	if len(audio.delays) == 0 || len(video.delays) == 0 {
		return nil
	}
	median := func(values []float64) float64 { slices.Sort(values); return values[len(values)/2] }
	value := (median(audio.delays) - median(video.delays)) * 1000
	return &value
}

// isKey says whether a packet begins or belongs to a keyframe: H.264 by RFC 6184 (slice of an IDR picture), VP8 by RFC 7741.
func isKey(codec string, payload []byte) bool {
	const idr, aggregate, fragment = 5, 24, 28
	switch {
	case len(payload) < 2:
		return false
	case codec == webrtc.MimeTypeVP8:
		return isVP8Key(payload)
	case codec != webrtc.MimeTypeH264:
		return false
	}
	switch payload[0] & 31 {
	case idr:
		return true
	case fragment:
		return payload[1]&31 == idr
	case aggregate:
		for rest := payload[1:]; len(rest) > 2; {
			size := int(binary.BigEndian.Uint16(rest))
			if rest[2]&31 == idr {
				return true
			}
			rest = rest[min(2+size, len(rest)):]
		}
	}
	return false
}

// isVP8Key reads the payload descriptor (extension, picture id, TL0PICIDX, TID) up to the frame's first byte.
func isVP8Key(payload []byte) bool {
	begins := payload[0]&0x10 != 0 && payload[0]&7 == 0
	at := 1
	if payload[0]&0x80 != 0 {
		extension := payload[1]
		at = 2
		if extension&0x80 != 0 {
			if at < len(payload) && payload[at]&0x80 != 0 {
				at++
			}
			at++
		}
		if extension&0x40 != 0 {
			at++
		}
		if extension&0x30 != 0 {
			at++
		}
	}
	return begins && at < len(payload) && payload[at]&1 == 0
}

func milliseconds(duration time.Duration) float64 {
	return math.Round(float64(duration.Microseconds())) / 1000
}
