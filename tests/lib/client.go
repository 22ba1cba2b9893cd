// A client in Go, as people write them.
// go run client.go -port N -name NAME [-ca FILE] [-cert FILE -key FILE] [-groups pq]
package main

import (
	"crypto/tls"
	"crypto/x509"
	"flag"
	"fmt"
	"io"
	"os"
)

func main() {
	port := flag.String("port", "", "")
	name := flag.String("name", "", "")
	ca := flag.String("ca", "", "")
	cert := flag.String("cert", "", "")
	key := flag.String("key", "", "")
	group := flag.Int("group", 0, "")
	flag.Parse()

	config := &tls.Config{ServerName: *name, InsecureSkipVerify: *ca == ""}
	if *ca != "" {
		pem, err := os.ReadFile(*ca)
		if err != nil {
			panic(err)
		}
		config.RootCAs = x509.NewCertPool()
		config.RootCAs.AppendCertsFromPEM(pem)
	}
	if *cert != "" {
		pair, err := tls.LoadX509KeyPair(*cert, *key)
		if err != nil {
			panic(err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	if *group != 0 {
		config.CurvePreferences = []tls.CurveID{tls.CurveID(*group)}
	}
	conn, err := tls.Dial("tcp", "127.0.0.1:"+*port, config)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", *name)
	answer, err := io.ReadAll(conn)
	fmt.Println(string(answer), err)
}
