package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

// A WHEP server by the same library: 30 frames a second with a keyframe first and then every ten, one sequence number missing.
type server struct {
	t            *testing.T
	joined, left atomic.Int32
}

func (server *server) ServeHTTP(response http.ResponseWriter, request *http.Request) {
	if request.Header.Get("Authorization") != "Bearer secret" {
		http.Error(response, "no token", http.StatusUnauthorized)
		return
	}
	if request.Method == http.MethodDelete {
		server.left.Add(1)
		response.WriteHeader(http.StatusNoContent)
		return
	}
	offer, _ := io.ReadAll(request.Body)
	peer, err := newPeer("http://127.0.0.1")
	if err != nil {
		server.t.Error(err)
		return
	}
	server.t.Cleanup(func() { _ = peer.Close() })
	video, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeH264, ClockRate: 90000}, "video", "stream")
	if err != nil {
		server.t.Error(err)
		return
	}
	audio, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2}, "audio", "stream")
	if err != nil {
		server.t.Error(err)
		return
	}
	if err := peer.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: string(offer)}); err != nil {
		server.t.Error(err)
		return
	}
	for _, track := range []webrtc.TrackLocal{video, audio} {
		if _, err := peer.AddTrack(track); err != nil {
			server.t.Error(err)
			return
		}
	}
	peer.OnConnectionStateChange(func(state webrtc.PeerConnectionState) {
		if state == webrtc.PeerConnectionStateConnected {
			go send(video, audio)
		}
	})
	answer, err := peer.CreateAnswer(nil)
	if err != nil {
		server.t.Error(err)
		return
	}
	gathered := webrtc.GatheringCompletePromise(peer)
	if err := peer.SetLocalDescription(answer); err != nil {
		server.t.Error(err)
		return
	}
	<-gathered
	server.joined.Add(1)
	response.Header().Set("Location", fmt.Sprintf("/whep/%d", server.joined.Load()))
	response.WriteHeader(http.StatusCreated)
	fmt.Fprint(response, peer.LocalDescription().SDP)
}

func send(video, audio *webrtc.TrackLocalStaticRTP) {
	sequence := uint16(65530) // wraps within the test
	for frame := range 90 {
		if frame == 15 {
			sequence++
		}
		kind := byte(0x61)
		if frame%10 == 0 {
			kind = 0x65
		}
		picture := rtp.Packet{
			Header:  rtp.Header{Version: 2, SequenceNumber: sequence, Timestamp: uint32(frame) * 3000, Marker: true},
			Payload: []byte{kind, 0x88, 1, 2},
		}
		sound := rtp.Packet{
			Header:  rtp.Header{Version: 2, SequenceNumber: uint16(frame), Timestamp: uint32(frame) * 1600},
			Payload: []byte{0xf8, 0xff, 0xfe},
		}
		if video.WriteRTP(&picture) != nil || audio.WriteRTP(&sound) != nil {
			return
		}
		sequence++
		time.Sleep(time.Second / 30) // the frame rate, nothing is awaited
	}
}

func TestCountsWhatAServerSends(t *testing.T) {
	whep := &server{t: t}
	listening := httptest.NewServer(whep)
	defer listening.Close()
	options := Options{URL: listening.URL + "/whep", Token: "secret", Stay: 1800 * time.Millisecond, Limit: 10 * time.Second}
	report := run(options, 3, 2)
	if report.Failed != 0 || whep.joined.Load() != 3 || whep.left.Load() != 3 {
		t.Fatalf("%d failed, %d joined, %d left: %+v", report.Failed, whep.joined.Load(), whep.left.Load(), report.Visits)
	}
	for _, visit := range report.Visits {
		video := visit.Video
		if video.Keyframes < 1 || video.Frames < 16 || video.Frames != video.Packets || video.Lost != 1 || video.FirstKeyframe == 0 {
			t.Errorf("%+v", video)
		}
		// Sender reports come once a second.
		if visit.Audio.Frames < 16 || visit.Audio.Lost != 0 || visit.Audio.Reports == 0 || visit.Skew == nil {
			t.Errorf("%+v, skew %v", visit.Audio, visit.Skew)
		}
	}
}

func TestSaysWhyAJoinFailed(t *testing.T) {
	listening := httptest.NewServer(&server{t: t})
	defer listening.Close()
	report := run(Options{URL: listening.URL, Token: "wrong", Limit: time.Second}, 1, 1)
	if report.Failed != 1 || !strings.Contains(report.Visits[0].Error, "401") {
		t.Errorf("%+v", report)
	}
}

func TestKeyframes(t *testing.T) {
	for _, sample := range []struct {
		codec   string
		payload []byte
		key     bool
	}{
		{webrtc.MimeTypeH264, []byte{0x65, 0x88}, true},
		{webrtc.MimeTypeH264, []byte{0x67, 0x42}, false},
		{webrtc.MimeTypeH264, []byte{0x7c, 0x85}, true},
		{webrtc.MimeTypeH264, []byte{0x7c, 0x81}, false},
		{webrtc.MimeTypeH264, []byte{0x78, 0, 2, 0x67, 0x42, 0, 2, 0x65, 0x88}, true},
		{webrtc.MimeTypeH264, []byte{0x78, 0, 2, 0x67, 0x42, 0, 9, 0x61}, false},
		{webrtc.MimeTypeVP8, []byte{0x10, 0x50}, true},
		{webrtc.MimeTypeVP8, []byte{0x10, 0x51}, false},
		{webrtc.MimeTypeVP8, []byte{0x90, 0x80, 0x81, 0x02, 0x10}, true},
		{webrtc.MimeTypeVP8, []byte{0x00, 0x50}, false},
		{webrtc.MimeTypeOpus, []byte{0x65, 0x65}, false},
	} {
		if isKey(sample.codec, sample.payload) != sample.key {
			t.Errorf("%s % x", sample.codec, sample.payload)
		}
	}
}

func TestSequenceNumbers(t *testing.T) {
	counts := Counts{Codec: webrtc.MimeTypeH264, began: time.Now()}
	for _, number := range []uint16{65534, 0, 65535, 1, 4} { // reordered at the wrap; 2 and 3 are lost
		counts.packet(&rtp.Packet{Header: rtp.Header{SequenceNumber: number}, Payload: []byte{1, 2}}, time.Now())
	}
	if counts.Lost != 2 {
		t.Errorf("lost %d", counts.Lost)
	}
}
