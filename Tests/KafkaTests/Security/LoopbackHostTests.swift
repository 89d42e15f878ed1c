import Testing

@testable import Kafka

@Suite struct LoopbackHostTests {
    private static let others = [
        "127.attacker.example", "127.foo.bar", "127.0.0.attacker", "127.0.0.1.example", "127.0.0.1.",
        "localhost.evil.example",
        "localhost.", "0x7f.1", "0x7f.0.0.1", "127.1", "127.0.1", "127.0.0.01", "0177.0.0.1", "127.0.0.256",
        "127.0.0.-1",
        "127.0.0.+1", "127..0.1", "2130706433", "::ffff:127.0.0.1", "::127.0.0.1", "0.0.0.0", "::", "128.0.0.1", "",
        "127.0.0.1@evil", "１２７.0.0.1",
    ]

    @Test(arguments: ["127.0.0.1", "127.255.255.254", "127.0.0.0", "localhost", "LocalHost", "::1"])
    func `this machine is known by its names`(host: String) {
        #expect(LoopbackHost.contains(host))
    }

    @Test(arguments: others)
    func `a name that only looks like this machine is none`(host: String) {
        #expect(!LoopbackHost.contains(host))
        #expect(TokenURL("http://\(host)/token") == nil)
        #expect(TokenURL("http://\(host):8080/token") == nil)
    }

    @Test func `a secret is sent without TLS on this machine only`() {
        for url in [
            "http://127.0.0.1:80/t", "http://localhost/t", "http://[::1]/t", "http://[::1]:8080/t", "https://far/t",
        ] {
            #expect(TokenURL(url) != nil, "\(url)")
        }
        for url in [
            "http://::1/t", "http://[::ffff:127.0.0.1]/t", "https://u:p@far/t", "http://127.0.0.1:+80/t",
            "http://127.0.0.1:0/t", "https://far:99999/t", "https://a:b:c/t",
        ] { #expect(TokenURL(url) == nil, "\(url)") }
    }

    @Test func `a port is digits alone`() {
        #expect(portNumber("9092") == 9092 && portNumber("65535") == 65_535)
        for text in ["0", "65536", "99999", "+80", "-1", "80 ", "", "٨٠"] {
            #expect(portNumber(text) == nil, "\(text)")
        }
    }
}
