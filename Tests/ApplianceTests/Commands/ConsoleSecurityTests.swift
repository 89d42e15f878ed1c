import EventSourcing
import Foundation
import Glibc
import Postgres
import TestSupport
import Testing

@testable import Appliance

/// Who may do what at the admin port, as browsers and others ask over HTTP.
@Suite struct ConsoleSecurityTests {
    private let form = "application/x-www-form-urlencoded"
    private let operate = "operate-12345678"
    private let view = "view-12345678"

    private func with(
        _ more: [String: String] = [:], _ body: (RelayFixture, AdminPort) async throws -> Void
    ) async throws {
        try await RelayFixture.with { place in
            let admin = try AdminPort()
            let variables = ["GODWIT_ADMIN_TOKEN": operate, "GODWIT_ADMIN_VIEWER_TOKEN": view]
                .merging(admin.variables) { $1 }.merging(more) { $1 }
            let relay = try place.run(variables)
            try await admin.wait(for: 200, at: "/readyz")
            try await body(place, admin)
            relay.send(SIGTERM)
            let result = await relay.result()
            #expect(result.exitCode == 0 && !result.standardError.contains(operate), "\(result.standardError)")
        }
    }

    private func isPaused(_ admin: AdminPort) async throws -> Bool {
        let consumers = try await admin.get("/api/status").json["consumers"]?.items ?? []
        return consumers.first?["paused"] == true
    }

    @Test(.timeLimit(.minutes(2)))
    func `pages and events need a sign-in, probes and metrics none, and nobody learns more`() async throws {
        try await with { _, admin in
            for path in [
                "/", "/events", "/events/1", "/parked", "/jobs", "/processes", "/completeness", "/audit",
                "/consumers/identity",
            ] {
                let answer = try await admin.get(path, followsRedirects: false)
                #expect(answer.status == 303 && answer.headers["location"]?.hasPrefix("/signin") == true, "\(path)")
                #expect(try await admin.get(path, token: "wrong").status == 401)
                #expect(try await admin.get(path, token: view).status != 401)
            }
            for path in [
                "/api/events", "/api/events/1", "/api/parked", "/api/processes", "/api/completeness", "/api/audit",
            ] {
                #expect(try await admin.get(path).status == 401)
                #expect(try await admin.get(path, token: "wrong").status == 401)
                let status = try await admin.get(path, token: view).status
                #expect(status == (path == "/api/events/1" ? 404 : 200), "\(path)")
            }
            for path in [
                "/healthz", "/readyz", "/metrics", "/api/status", "/api/openapi.json", "/assets/style.css",
                "/favicon.ico", "/signin",
            ] {
                #expect(try await admin.get(path).status == 200, "\(path)")
            }
            let link = try await admin.get("/events?aggregate=a", followsRedirects: false)
            #expect(link.headers["location"] == "/signin?next=%2Fevents%3Faggregate%3Da")
            // A browser that follows a link of another site keeps the cookie back, once.
            let followed = try await admin.get(
                "/events", headers: ["sec-fetch-site": "cross-site"], followsRedirects: false)
            #expect(
                followed.status == 200 && followed.body.contains("http-equiv=\"refresh\" content=\"0; url=/events\""))
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `a sign-in gives a session of a new id, which a sign-out ends`() async throws {
        try await with { _, admin in
            let planted = "godwit_\(admin.port)=" + String(repeating: "a", count: 64)
            let session = try await ConsoleSession.signIn(admin, token: operate, cookie: planted)
            #expect(session.cookie != planted, "an id that the browser had is never a session's")
            #expect(try await admin.get("/", headers: ["cookie": planted], followsRedirects: false).status == 303)
            let page = try await session.get("/")
            #expect(page.status == 200 && page.body.contains("Ada, operator") && page.body.contains("Sign out"))
            let again = try await ConsoleSession.signIn(admin, token: view, actor: "", cookie: session.cookie)
            #expect(again.cookie != session.cookie)
            #expect(
                try await admin.get("/", headers: ["cookie": session.cookie], followsRedirects: false).status == 303,
                "it is over")
            let header = try await admin.post("/signin", "token=\(operate)", type: form, followsRedirects: false)
                .headers["set-cookie"]
            #expect(
                header?.contains("HttpOnly") == true && header?.contains("SameSite=Strict") == true
                    && header?.contains("Path=/") == true)
            #expect(header?.contains(operate) == false)
            #expect(try await again.post("/signout", formToken: "wrong").status == 403)
            #expect(try await again.get("/").status == 200, "another page cannot sign out either")
            let out = try await again.post("/signout")
            #expect(out.status == 303 && out.headers["set-cookie"]?.contains("Max-Age=0") == true)
            #expect(try await admin.get("/", headers: ["cookie": again.cookie], followsRedirects: false).status == 303)
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `a form changes something only with its session's token and from its own page`() async throws {
        try await with { _, admin in
            let pause = "/api/consumers/identity/pause"
            let session = try await ConsoleSession.signIn(admin, token: operate)
            let token = try await session.formToken()
            let other = try await ConsoleSession.signIn(admin, token: operate)
            for (formToken, headers) in [
                ("", [:]), ("wrong", [:]), (try await other.formToken(), [:]),
                (token, ["origin": "http://evil.example"]), (token, ["origin": "null"]),
                (token, ["sec-fetch-site": "cross-site"]),
                (token, ["sec-fetch-site": "same-site"]),
            ] as [(String, [String: String])] {
                let answer = try await session.post(pause, formToken: formToken, headers: headers)
                #expect(
                    answer.status == 403 && answer.body.contains("another page"),
                    "\(formToken) \(headers): \(answer.status)")
            }
            let json = try await admin.post(pause, #"{"form_token":"\#(token)"}"#, headers: ["cookie": session.cookie])
            #expect(json.status == 403, "a session changes something through forms alone")
            #expect(try await admin.get(pause, headers: ["cookie": session.cookie]).status == 405)
            #expect(try await !isPaused(admin))
            let done = try await session.post(pause, [("back", "/consumers/identity")])
            #expect(done.status == 303 && done.headers["location"] == "/consumers/identity?done=pause", "\(done.body)")
            try await eventually("it is not paused") { try await isPaused(admin) }
            let away = try await session.post("/api/consumers/identity/resume", [("back", "//evil.example/x")])
            #expect(away.headers["location"] == "/consumers/identity?done=resume")
            let login = try await admin.post(
                "/signin", "token=\(operate)", type: form, headers: ["origin": "http://evil.example"],
                followsRedirects: false)
            #expect(login.status == 403 && login.headers["set-cookie"] == nil, "nobody is signed in by another page")
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `a viewer looks at everything and changes nothing, and is told so`() async throws {
        try await with { place, admin in
            _ = try await place.receive(try await place.append(3))
            let session = try await ConsoleSession.signIn(admin, token: view, actor: "Vi")
            for path in [
                "/", "/events", "/events/1", "/parked", "/jobs", "/processes", "/completeness", "/audit",
                "/consumers/identity",
            ] {
                let page = try await session.get(path)
                #expect(page.status == 200 && !page.body.contains("formaction=\"/api/"), "\(path)")
            }
            let changes = AdminRoute.allCases.filter { $0.need == .role(.operator) }.map {
                $0.template.replacing("{consumer}", with: "identity").replacing("{position}", with: "1").replacing(
                    "{job}", with: "a")
            }
            #expect(changes.count > 12)
            for path in changes {
                let answer = try await session.post(path, [("rate", "5"), ("level", "debug")])
                #expect(answer.status == 403 && answer.body.contains("viewer"), "\(path): \(answer.status)")
                let bearer = try await admin.post(path, "{}", token: view)
                #expect(bearer.status == 403 && bearer.body.contains("viewer"), "\(path): \(bearer.status)")
            }
            #expect(try await !isPaused(admin))
            #expect(try await admin.get("/api/audit", token: view).json["entries"]?.items.isEmpty == true)
        }
        try await with(["GODWIT_ADMIN_TOKEN": ""]) { _, admin in
            let refused = try await admin.post("/api/consumers/identity/pause", token: view)
            #expect(refused.status == 403)
            #expect(try await admin.get("/", token: view).status == 200)
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `wrong tokens are counted, and headers, redirects and names hold nothing of callers`() async throws {
        try await with { _, admin in
            let away = try await admin.post(
                "/signin", "token=\(operate)&next=%2F%2Fevil.example%2F&actor=%0d%0aset-cookie%3a%20x%3dy", type: form,
                followsRedirects: false)
            #expect(away.status == 303 && away.headers["location"] == "/")
            #expect(away.headers["set-cookie"]?.contains("x=y") == false)
            for path in ["/events?aggregate=a%0d%0aset-cookie:%20x=y", "/consumers/a%0d%0ax:y"] {
                let answer = try await admin.get(path, followsRedirects: false)
                #expect(answer.headers["set-cookie"] == nil && answer.headers["x"] == nil)
            }
            var last = 0
            for _ in 0..<SignInLimit.mostFailures + 1 {
                last = try await admin.post("/signin", "token=wrong", type: form, followsRedirects: false).status
            }
            #expect(last == 429)
            let right = try await admin.post("/signin", "token=\(operate)", type: form, followsRedirects: false)
            #expect(right.status == 429 && right.headers["retry-after"] != nil)
            #expect(
                try await admin.post("/api/consumers/identity/resume", token: operate).status == 200, "tokens go on")
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `without a token it is as open as its loopback address, but not to names of elsewhere`() async throws {
        try await with(["GODWIT_ADMIN_TOKEN": "", "GODWIT_ADMIN_VIEWER_TOKEN": ""]) { _, admin in
            for path in ["/", "/events", "/parked", "/audit", "/api/events", "/processes"] {
                #expect(try await admin.get(path).status == 200, "\(path)")
            }
            for path in ["/events", "/parked", "/audit", "/api/events", "/api/parked", "/api/audit"] {
                #expect(
                    try await admin.get(path, headers: ["host": "evil.example:\(admin.port)"]).status == 403, "\(path)")
            }
            let refused = try await admin.post("/api/consumers/identity/pause", token: operate)
            #expect(refused.status == 403)
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `bodies have a bound that is named, and every answer forbids what pages do not need`() async throws {
        try await with { _, admin in
            let large = try await admin.post("/signin", "token=" + String(repeating: "a", count: 70_000), type: form)
            #expect(large.status == 413)
            #expect(try await admin.get("/healthz").status == 200)
            for path in ["/signin", "/nothing", "/api/status", "/metrics", "/assets/script.js"] {
                let headers = try await admin.get(path).headers
                let policy = headers["content-security-policy"] ?? ""
                #expect(
                    policy.contains("default-src 'none'") && !policy.contains("unsafe")
                        && policy.contains("frame-ancestors 'none'"))
                #expect(headers["x-content-type-options"] == "nosniff" && headers["cache-control"] == "no-store")
            }
        }
    }
}
