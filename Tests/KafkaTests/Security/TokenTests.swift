import FoundationEssentials
import Testing

@testable import Kafka

@Suite struct TokenTests {
    private func jwt(_ claims: String) -> String {
        let body = Data(claims.utf8).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_")
        return "eyJh." + body.filter { $0 != "=" } + ".c2ln"
    }

    @Test func `a JWT says its own expiry and subject`() throws {
        let token = try BearerToken(
            jwt(#"{"exp":1700000100.5,"sub":"relay-ü?>"}"#), lifetime: 1, now: 1_700_000_000_000)
        #expect(token.expiry == 1_700_000_100_500)
        #expect(token.principal == "relay-ü?>")
    }

    @Test func `what says nothing lives as the endpoint says or five minutes`() throws {
        #expect(try BearerToken("opaque", lifetime: 9_000, now: 1_000).expiry == 10_000)
        #expect(try BearerToken("opaque", now: 1_000).expiry == 301_000)
        for odd in [#"{"exp":"soon"}"#, #"{"exp":1e300}"#, "{", "[]", #"{"sub":""}"#] {
            let token = try BearerToken(jwt(odd), now: 1_000)
            #expect(token.expiry == 301_000 && token.principal == "godwit")
        }
    }

    @Test func `an expired token is not used`() {
        #expect(throws: TokenFailure.self) { try BearerToken(jwt(#"{"exp":10}"#), now: 10_000) }
    }

    @Test(arguments: ["", "a b", "a\u{1}auth=x", "a\n", "ä", "=", "<html>"])
    func `what is no token is refused without being shown`(_ text: String) {
        let failure = #expect(throws: TokenFailure.self) { try BearerToken(text, now: 0) }
        if !text.isEmpty { #expect(failure?.description.contains(text) == false) }
    }

    @Test func `an endpoint is reached securely or on this machine`() throws {
        let url = try #require(TokenURL("https://login.example.com/a/b?c=d"))
        #expect(url.host == "login.example.com" && url.port == 443 && url.target == "/a/b?c=d")
        #expect(url.description == "https://login.example.com:443/a/b")
        #expect(TokenURL("https://[::1]:8443")?.host == "::1")
        #expect(TokenURL("https://[::1]:8443")?.target == "/")
        #expect(TokenURL("http://localhost:80/token") != nil)
        for wrong in [
            "http://login.example.com", "login.example.com", "https://", "https://a:0/", "https://u:p@a/",
            "https://a/ b", "https://a/#b", "https://a/\r\nX: y",
        ] {
            #expect(TokenURL(wrong) == nil, "\(wrong)")
        }
    }

    @Test func `responses are read whole or not at all`() {
        func read(_ text: String) -> HTTPResponse? { HTTPResponse(Array(text.utf8)) }
        #expect(read("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}x")?.body == Array("{}".utf8))
        #expect(read("HTTP/1.1 200 OK\r\n\r\n{}")?.body == Array("{}".utf8))
        #expect(
            read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;x\r\n{\r\n1\r\n}\r\n0\r\n\r\n")?.body
                == Array("{}".utf8))
        for wrong in [
            "", "HTTP/1.1 200 OK\r\n", "SSH-2.0\r\n\r\n", "HTTP/1.1 x OK\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{}", "HTTP/1.1 200 OK\r\nContent-Length: -3\r\n\r\n{}",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n{}\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n",
        ] {
            #expect(read(wrong) == nil, "\(wrong)")
        }
    }

    @Test func `hex beyond the addressable is no chunk`() {
        let text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7fffffffffffffff\r\n{}\r\n0\r\n\r\n"
        #expect(HTTPResponse(Array(text.utf8)) == nil)
    }
}
