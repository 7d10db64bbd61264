package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"
)

// Options say where a visit goes and how it behaves.
type Options struct {
	URL, Token            string
	Stay, Limit           time.Duration
	RequestKeyframe, Rude bool
}

// Visit is one join and what it saw.
type Visit struct {
	Error     string  `json:"error,omitempty"`
	Connected float64 `json:"connected_ms,omitempty"`
	Video     Counts  `json:"video"`
	Audio     Counts  `json:"audio"`
	// How much later than its picture the sound arrives, by sender reports; a player evens this out.
	Skew *float64 `json:"arrival_skew_ms,omitempty"`
}

// visit joins, stays and leaves.
func visit(options Options) Visit {
	began := time.Now()
	seen := Visit{Video: Counts{began: began}, Audio: Counts{began: began}}
	if err := stay(options, began, &seen); err != nil {
		seen.Error = err.Error()
	}
	return seen
}

func stay(options Options, began time.Time, seen *Visit) (problem error) {
	peer, err := newPeer(options.URL)
	if err != nil {
		return fmt.Errorf("cannot make a peer connection: %w", err)
	}
	var (
		lock     sync.Mutex // of `seen`: tracks are read by goroutines of their own
		readers  sync.WaitGroup
		settled  = make(chan error, 1)
		keyframe = make(chan struct{})
		once     sync.Once
	)
	defer func() {
		problem = errors.Join(problem, peer.GracefulClose())
		readers.Wait()
		seen.Skew = skew(seen.Audio, seen.Video)
	}()
	peer.OnConnectionStateChange(func(state webrtc.PeerConnectionState) {
		var outcome error
		switch state {
		case webrtc.PeerConnectionStateConnected:
			lock.Lock()
			seen.Connected = milliseconds(time.Since(began))
			lock.Unlock()
		case webrtc.PeerConnectionStateFailed:
			outcome = errors.New("the connection failed: no candidate of the answer can be reached")
		default:
			return
		}
		select {
		case settled <- outcome:
		default:
		}
	})
	peer.OnTrack(func(track *webrtc.TrackRemote, receiver *webrtc.RTPReceiver) {
		counts := &seen.Audio
		if track.Kind() == webrtc.RTPCodecTypeVideo {
			counts = &seen.Video
		}
		lock.Lock()
		counts.Codec, counts.clockRate = track.Codec().MimeType, float64(track.Codec().ClockRate)
		lock.Unlock()
		readers.Go(func() { // ends when the connection is closed
			for {
				reports, _, err := receiver.ReadRTCP()
				if err != nil {
					return
				}
				for _, report := range reports {
					if report, ok := report.(*rtcp.SenderReport); ok && report.SSRC == uint32(track.SSRC()) {
						lock.Lock()
						counts.Reports++
						counts.report = report
						lock.Unlock()
					}
				}
			}
		})
		readers.Go(func() {
			for {
				packet, _, err := track.ReadRTP()
				if err != nil {
					return
				}
				lock.Lock()
				key := counts.packet(packet, time.Now())
				first := counts.Packets == 1
				lock.Unlock()
				if key {
					once.Do(func() { close(keyframe) })
				} else if first && counts == &seen.Video && options.RequestKeyframe {
					// A lost request is the sender's to notice; there is nothing to do about an error here.
					_ = peer.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: uint32(track.SSRC())}})
				}
			}
		})
	})

	resource, err := post(options, peer)
	if err != nil {
		return err
	}
	if resource != "" && !options.Rude {
		defer func() { problem = errors.Join(problem, leave(options, resource)) }()
	}
	select {
	case err := <-settled:
		if err != nil {
			return err
		}
	case <-time.After(options.Limit):
		return fmt.Errorf("not connected after %s", options.Limit)
	}
	staying := time.After(options.Stay)
	select {
	case <-keyframe:
	case <-time.After(options.Limit):
		lock.Lock()
		defer lock.Unlock()
		return fmt.Errorf("connected, but no keyframe came in %s; packets of video: %d, of sound: %d", options.Limit, seen.Video.Packets, seen.Audio.Packets)
	}
	<-staying
	return nil
}

// newPeer meets a server on loopback there and nowhere else.
func newPeer(address string) (*webrtc.PeerConnection, error) {
	where, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	media := &webrtc.MediaEngine{}
	if err := media.RegisterDefaultCodecs(); err != nil {
		return nil, err
	}
	interceptors := &interceptor.Registry{} // receiver reports, NACK and transport-wide feedback
	if err := webrtc.RegisterDefaultInterceptors(media, interceptors); err != nil {
		return nil, err
	}
	setting := webrtc.SettingEngine{}
	setting.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	if host := where.Hostname(); host == "127.0.0.1" || host == "localhost" {
		setting.SetIncludeLoopbackCandidate(true)
		setting.SetInterfaceFilter(func(name string) bool { return strings.HasPrefix(name, "lo") })
	}
	api := webrtc.NewAPI(webrtc.WithMediaEngine(media), webrtc.WithInterceptorRegistry(interceptors), webrtc.WithSettingEngine(setting))
	return api.NewPeerConnection(webrtc.Configuration{})
}

// post asks for one video and one audio track and exchanges offer and answer; the resource to DELETE.
func post(options Options, peer *webrtc.PeerConnection) (string, error) {
	for _, kind := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeVideo, webrtc.RTPCodecTypeAudio} {
		receive := webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}
		if _, err := peer.AddTransceiverFromKind(kind, receive); err != nil {
			return "", fmt.Errorf("cannot ask for %s: %w", kind, err)
		}
	}
	offer, err := peer.CreateOffer(nil)
	if err != nil {
		return "", fmt.Errorf("cannot make an offer: %w", err)
	}
	gathered := webrtc.GatheringCompletePromise(peer)
	if err := peer.SetLocalDescription(offer); err != nil {
		return "", fmt.Errorf("cannot set the offer: %w", err)
	}
	<-gathered
	response, body, err := request(options, http.MethodPost, options.URL, peer.LocalDescription().SDP)
	if err != nil {
		return "", err
	}
	if response.StatusCode != http.StatusCreated {
		return "", fmt.Errorf("POST answered %s, not 201: %.500s", response.Status, body)
	}
	location, err := response.Location() // resolved against the request
	if err != nil {
		return "", fmt.Errorf("the 201 carries no Location: %w", err)
	}
	answer := webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: body}
	if err := peer.SetRemoteDescription(answer); err != nil {
		return location.String(), fmt.Errorf("the answer is refused: %w\n%s", err, body)
	}
	return location.String(), nil
}

func leave(options Options, resource string) error {
	response, body, err := request(options, http.MethodDelete, resource, "")
	if err == nil && response.StatusCode/100 != 2 {
		err = fmt.Errorf("DELETE answered %s: %.500s", response.Status, body)
	}
	return err
}

func request(options Options, method, where, sdp string) (*http.Response, string, error) {
	limit, cancel := context.WithTimeout(context.Background(), options.Limit)
	defer cancel()
	asked, err := http.NewRequestWithContext(limit, method, where, strings.NewReader(sdp))
	if err != nil {
		return nil, "", err
	}
	if sdp != "" {
		asked.Header.Set("Content-Type", "application/sdp")
	}
	if options.Token != "" {
		asked.Header.Set("Authorization", "Bearer "+options.Token)
	}
	response, err := direct.Do(asked)
	if err != nil {
		return nil, "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	return response, string(body), err
}

// direct never goes through a proxy: the server is ours and near.
var direct = &http.Client{Transport: &http.Transport{}}
