// A WHEP viewer that decodes nothing, so that many of them fit beside the server under test: it joins, counts what arrives, leaves.
//
//	whep --url http://127.0.0.1:8080/v1/live/ROOM/whep --token-file FILE --joins 100 --sessions 4 --seconds 2 --out report.json
//
// Protocol: RFC 9725 (WHEP) with every candidate in offer and answer. Ends with status 1 when a join failed, was shown no keyframe or
// could not leave properly; the report is written all the same.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// Report is what is written to --out. Times are in milliseconds from the moment a join began.
type Report struct {
	Joins         int     `json:"joins"`
	Failed        int     `json:"failed"`
	Connected     Summary `json:"connected_ms"`
	FirstPacket   Summary `json:"first_packet_ms"`
	FirstKeyframe Summary `json:"first_keyframe_ms"`
	Video         Counts  `json:"video"`
	Audio         Counts  `json:"audio"`
	WallSeconds   float64 `json:"wall_s"`
	Visits        []Visit `json:"visits"`
}

// Summary describes one figure over all joins that have it.
type Summary struct {
	Count  int     `json:"count"`
	Median float64 `json:"median"`
	P95    float64 `json:"p95"`
	Max    float64 `json:"max"`
}

func main() {
	var options Options
	tokenFile := flag.String("token-file", "", "file that holds the viewer's token; none: no Authorization is sent")
	joins := flag.Int("joins", 1, "joins in all")
	sessions := flag.Int("sessions", 1, "joins that are there at the same time")
	out := flag.String("out", "", "file for the report; none: standard output")
	seconds := flag.Float64("seconds", 2, "how long a join stays once it is connected")
	limit := flag.Float64("limit", 15, "seconds a join may take to be connected, and then to see a keyframe")
	flag.StringVar(&options.URL, "url", "", "WHEP endpoint")
	flag.BoolVar(&options.RequestKeyframe, "pli", false, "ask for a keyframe (RTCP PLI) when the first frame is none, as browsers do")
	flag.BoolVar(&options.Rude, "rude", false, "leave without DELETE, as a closed tab does")
	flag.Parse()
	options.Stay = time.Duration(*seconds * float64(time.Second))
	options.Limit = time.Duration(*limit * float64(time.Second))
	if options.URL == "" || *joins < 1 || *sessions < 1 || flag.NArg() > 0 {
		fail("wanted: --url URL [--token-file FILE] [--joins N] [--sessions N] [--seconds S] [--out FILE] [--pli] [--rude]")
	}
	if *tokenFile != "" {
		token, err := os.ReadFile(*tokenFile)
		if err != nil {
			fail("no token: %v", err)
		}
		options.Token = strings.TrimSpace(string(token))
	}

	report := run(options, *joins, *sessions)
	text, err := json.MarshalIndent(report, "", "  ")
	if err != nil {
		fail("the report: %v", err)
	}
	if *out == "" {
		fmt.Println(string(text))
	} else if err := os.WriteFile(*out, append(text, '\n'), 0o644); err != nil {
		fail("%v", err)
	}
	if report.Failed > 0 {
		for _, visit := range report.Visits {
			if visit.Error != "" {
				fail("%d of %d joins failed, one of them: %s", report.Failed, report.Joins, visit.Error)
			}
		}
	}
}

// run makes `joins` visits, `sessions` of them at a time.
func run(options Options, joins, sessions int) Report {
	started := time.Now()
	visits := make([]Visit, joins)
	next := make(chan int)
	var workers sync.WaitGroup
	for range min(sessions, joins) {
		workers.Go(func() {
			for index := range next {
				visits[index] = visit(options)
			}
		})
	}
	for index := range joins {
		next <- index
	}
	close(next)
	workers.Wait()

	report := Report{Joins: joins, Visits: visits, WallSeconds: time.Since(started).Seconds()}
	var connected, packet, keyframe []float64
	for _, visit := range visits {
		if visit.Error != "" {
			report.Failed++
		}
		report.Video.add(visit.Video)
		report.Audio.add(visit.Audio)
		connected = append(connected, visit.Connected)
		packet = append(packet, visit.Video.FirstPacket)
		keyframe = append(keyframe, visit.Video.FirstKeyframe)
	}
	report.Connected, report.FirstPacket, report.FirstKeyframe = summary(connected), summary(packet), summary(keyframe)
	return report
}

// summary leaves out zeros: what did not happen has no time.
func summary(values []float64) Summary {
	values = slices.DeleteFunc(values, func(value float64) bool { return value == 0 })
	if len(values) == 0 {
		return Summary{}
	}
	slices.Sort(values)
	at := func(part float64) float64 { return values[int(part*float64(len(values)-1)+0.5)] }
	return Summary{Count: len(values), Median: at(0.5), P95: at(0.95), Max: values[len(values)-1]}
}

func fail(format string, arguments ...any) {
	fmt.Fprintf(os.Stderr, "whep: "+format+"\n", arguments...)
	os.Exit(1)
}
