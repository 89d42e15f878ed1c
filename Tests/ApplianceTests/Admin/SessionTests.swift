import NIOHTTP1
import TestSupport
import Testing

@testable import Appliance

/// Sessions, who may do what, and what a browser says of itself: the decisions, without a port.
@Suite struct SessionTests {
    private let began = ContinuousClock.now

    @Test func `a session ends by rest and by age, and a sign-in makes a new id each time`() {
        var random = SystemRandomNumberGenerator()
        var sessions = Sessions()
        let (first, session) = sessions.begin(.operator, name: "Ada", at: began, using: &random)
        let (second, _) = sessions.begin(.operator, name: "Ada", at: began, using: &random)
        #expect(first != second && first.utf8.count == 64 && session.formToken != first)
        #expect(sessions.find(first, at: began + .seconds(3_600 * 11))?.role == .operator)
        #expect(sessions.find(first, at: began + .seconds(3_600 * 22)) != nil, "it was used since")
        #expect(sessions.find(second, at: began + .seconds(3_600 * 12)) == nil, "it was not")
        var time = began + .seconds(3_600 * 22)
        for _ in 0..<20 where time - began < Session.longest {
            time += .seconds(3_600 * 11)
            _ = sessions.find(first, at: time)
        }
        #expect(sessions.find(first, at: began + Session.longest) == nil, "however much it is used")
        #expect(sessions.find("", at: began) == nil && sessions.find("nonsense", at: began) == nil)
        let (third, _) = sessions.begin(.viewer, name: "", at: time, using: &random)
        sessions.end(third)
        #expect(sessions.find(third, at: time) == nil)
    }

    @Test func `sessions are bounded by role, and the one that rested longest makes room`() {
        var random = SystemRandomNumberGenerator()
        var sessions = Sessions()
        let operating = sessions.begin(.operator, name: "", at: began, using: &random).id
        var viewers: [String] = []
        for number in 0..<Sessions.mostOfRole + 10 {
            viewers.append(
                sessions.begin(.viewer, name: "", at: began + .seconds(number), using: &random).id)
            if number > 4 { _ = sessions.find(viewers[0], at: began + .seconds(number)) }
        }
        let now = began + .seconds(200)
        #expect(sessions.count == Sessions.mostOfRole + 1)
        #expect(sessions.find(operating, at: now) != nil, "viewers push out no operator")
        #expect(sessions.find(viewers[0], at: now) != nil, "it was used")
        #expect(sessions.find(viewers[1], at: now) == nil)
    }

    @Test func `wrong tokens are bounded by address, and many addresses do not fill the memory`() {
        var limit = SignInLimit()
        for _ in 0..<SignInLimit.mostFailures {
            #expect(limit.wait(of: "10.0.0.1", at: began) == nil)
            limit.failed("10.0.0.1", at: began)
        }
        #expect(limit.wait(of: "10.0.0.1", at: began + .seconds(10)) == .seconds(50))
        #expect(limit.wait(of: "10.0.0.2", at: began) == nil)
        #expect(limit.wait(of: "10.0.0.1", at: began + .seconds(61)) == nil)
        for number in 0..<5_000 { limit.failed("a\(number)", at: began + .seconds(100)) }
        #expect(limit.wait(of: "another", at: began + .seconds(100)) != nil, "together they are one")
        #expect(limit.wait(of: "another", at: began + .seconds(200)) == nil)
    }

    @Test func `a token gives its role, whatever it begins with, and an empty one gives none`() {
        let tokens = AdminTokens(operator: "operate-1234", viewer: "view-1234")
        #expect(tokens.role(of: "operate-1234") == .operator && tokens.role(of: "view-1234") == .viewer)
        for wrong in [nil, "", "operate", "operate-12345", "view-123", "OPERATE-1234", "operate-1234\u{0}"] {
            #expect(tokens.role(of: wrong) == nil)
        }
        let none = AdminTokens(operator: "", viewer: nil)
        #expect(none.isEmpty && none.role(of: "") == nil && none.role(of: nil) == nil)
        #expect(AdminTokens(operator: nil, viewer: "v").canChange == false)
    }

    @Test func `the comparison looks at every byte, wherever the first difference is`() {
        // Not a measurement of time, which says nothing on a busy machine: no prefix and no suffix alone is right.
        let token = "0123456789abcdef"
        let admin = AdminToken(token)
        for length in 0..<token.count {
            #expect(admin?.matches(String(token.prefix(length))) == false)
            #expect(admin?.matches(String(token.suffix(length))) == false)
            var text = Array(token)
            text[length] = "x"
            #expect(admin?.matches(String(text)) == false)
        }
        #expect(admin?.matches(token) == true)
    }

    @Test func `only paths of this port are gone back to`() {
        for path in ["/", "/events", "/events?aggregate=a%2Fb&before=9", "/consumers/a%20b"] {
            #expect(LocalPath.safe(path) == path)
        }
        for path in [
            nil, "", "events", "//evil.example", "/\\evil.example", "http://evil.example/", "/\t/evil.example",
            "/a\r\nset-cookie: x",
            "/a b", "/ä", "javascript:alert(1)", "/signin?next=/x", "/signout", "/api/jobs", "///",
            "/" + String(repeating: "a", count: 3_000),
        ] { #expect(LocalPath.safe(path) == "/", "\(path ?? "nil")") }
    }

    private func origin(_ headers: [(String, String)]) -> RequestOrigin { RequestOrigin(HTTPHeaders(headers)) }

    @Test func `a browser's own words decide whether a form is of this port's pages`() {
        let host = ("host", "godwit.example:9464")
        for own in [
            [host], [host, ("origin", "http://godwit.example:9464")], [host, ("sec-fetch-site", "same-origin")],
            [host, ("origin", "https://godwit.example:9464"), ("sec-fetch-site", "none")],
            [host, ("origin", "https://console.example"), ("x-forwarded-host", "console.example")],
        ] { #expect(origin(own).isOwn, "\(own)") }
        for foreign in [
            [host, ("origin", "null")], [host, ("origin", "http://evil.example")],
            [host, ("sec-fetch-site", "cross-site")],
            [host, ("sec-fetch-site", "same-site")], [host, ("origin", "http://godwit.example")],
            [host, ("origin", "http://godwit.example:9465")], [host, ("origin", "")],
            [host, ("origin", "http://godwit.example:9464"), ("sec-fetch-site", "cross-site")],
            [("origin", "http://")],
        ] { #expect(!origin(foreign).isOwn, "\(foreign)") }
    }

    @Test func `cookies are those of the port, and none is taken for another`() {
        let host = ("host", "localhost:9464")
        #expect(origin([host, ("cookie", "a=b; godwit_9464=abc; c=d")]).sessionID == "abc")
        #expect(origin([host, ("cookie", "godwit_9465=abc")]).sessionID == nil)
        #expect(origin([host, ("cookie", "xgodwit_9464=abc; godwit_9464")]).sessionID == nil)
        #expect(origin([("host", "localhost"), ("cookie", "godwit_session=abc")]).sessionID == "abc")
        let cookie = origin([host]).cookie("abc")
        #expect(cookie == "godwit_9464=abc; Path=/; Max-Age=604800; HttpOnly; SameSite=Strict")
        #expect(origin([host, ("x-forwarded-proto", "https")]).cookie("abc").hasSuffix("; Secure"))
        #expect(RequestOrigin.cookieName(host: "a:b;c=d:1\r\n") == "godwit_session")
    }

    @Test func `names that lead here from elsewhere are told from addresses of this machine`() {
        for name in ["", "localhost", "godwit.localhost", "127.0.0.1", "10.1.2.3", "::1"] {
            #expect(LocalHost.isLocal(name))
        }
        for name in ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "1.2.3", "256.1.1.1"] {
            #expect(!LocalHost.isLocal(name), "\(name)")
        }
    }
}
