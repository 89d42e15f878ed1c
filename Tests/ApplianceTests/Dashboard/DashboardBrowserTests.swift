import EventSourcing
import Foundation
import Glibc
import Postgres
import TestSupport
import Testing

/// The dashboard as a browser has it.
@Suite(.inBrowser, .serialized) struct DashboardBrowserTests {
    private func with(
        _ more: [String: String] = [:], _ body: (RelayFixture, AdminPort, Browser) async throws -> Void
    ) async throws {
        try await RelayFixture.with { place in
            let admin = try AdminPort()
            let relay = try place.run(
                ["GODWIT_WORKER_HEARTBEAT_INTERVAL": "400ms"].merging(more) { $1 }.merging(admin.variables) { $1 })
            try await admin.wait(for: 200, at: "/readyz")
            _ = try await place.receive(try await place.append(60))
            try await park(place)
            try await Browser.with { try await body(place, admin, $0) }
            relay.send(SIGTERM)
            #expect(await relay.result().exitCode == 0)
        }
    }

    /// As hostile as events can be.
    private func park(_ place: RelayFixture) async throws {
        let connection = try await place.test.connect()
        try await connection.execute(
            script: """
                INSERT INTO "\(place.test.tables.godwitSchema)".dead_letters (consumer_name, global_position, segment_id,
                    event_id, event_type, bounded_context, aggregate_type, aggregate_id, aggregate_version, state,
                    is_cause, reason, error)
                VALUES ('identity', 7, 0, gen_random_uuid(), '<script>document.title = "owned"</script>', 'Identity',
                    'User', '"><img src=x onerror="document.title = ''owned''">', 1, 'parked', true, 'too_large',
                    '</p><style>* { display: none }</style><b>big</b>')
                """)
        await connection.close()
    }

    @Test(.timeLimit(.minutes(3)))
    func `the overview shows every consumer and keeps itself up to date, within its own policy`() async throws {
        try await with { place, admin, browser in
            let page = try await browser.open("http://127.0.0.1:\(admin.port)/", for: 12_000)
            #expect(page.dom.contains("<a href=\"/consumers/identity\">identity</a>"))
            #expect(page.dom.contains("<span class=\"badge bad\">parked</span>"))
            #expect(page.dom.contains("this process") && page.dom.contains("aria-current=\"page\""))
            #expect(page.dom.contains("this process"))
            // Set by the script after each answer.
            #expect(page.dom.firstMatch(of: #/<html [^>]*data-refreshed="[1-9]"/#) != nil, "\(page.dom.prefix(300))")
            #expect(page.dom.firstMatch(of: #/<span id="freshness"[^>]*>Updated [0-9]/#) != nil)
            #expect(page.console.isEmpty, "\(page.console)")
        }
    }

    @Test(.timeLimit(.minutes(3)))
    func `a consumer's page shows what is parked as text, and no event can put anything else there`() async throws {
        try await with { place, admin, browser in
            let page = try await browser.open("http://127.0.0.1:\(admin.port)/consumers/identity", for: 6_000)
            #expect(page.dom.contains("<title>identity · Godwit</title>"))
            #expect(page.dom.contains("&lt;script&gt;document.title"))
            #expect(!page.dom.contains("<img") && !page.dom.contains("<style>") && !page.dom.contains("<b>"))
            #expect(page.dom.matches(of: #/<script/#).count == 1)
            #expect(!page.dom.contains("formaction="), "nothing can be changed without a token")
            #expect(page.dom.matches(of: #/<tr><th scope="row">[0-3]<\/th>/#).count == 4)
            #expect(page.console.isEmpty, "\(page.console)")
        }
    }

    @Test(.timeLimit(.minutes(3)))
    func `each page is drawn at the width of a phone and of a desk, in light and dark`() async throws {
        try await with { place, admin, browser in
            for (name, path) in [
                ("overview", "/"), ("consumer", "/consumers/identity"), ("events", "/events"), ("event", "/events/7"),
                ("parked", "/parked"), ("jobs", "/jobs"), ("processes", "/processes"),
                ("completeness", "/completeness"),
                ("audit", "/audit"),
            ] {
                for width in [390, 1280] {
                    let url = "http://127.0.0.1:\(admin.port)\(path)"
                    let light = try await browser.picture(url, name: name, width: width, height: 1100, isDark: false)
                    let dark = try await browser.picture(url, name: name, width: width, height: 1100, isDark: true)
                    // PNG: the width is at a fixed place, and an empty page is a few kilobytes.
                    let drawn = light[16..<20].reduce(0) { $0 << 8 | Int($1) }
                    #expect(drawn == width && light.count > 10_000)
                    #expect(light != dark)
                }
            }
        }
    }

    @Test(.timeLimit(.minutes(3)))
    func `an operator signs in once, pauses, redrives what is selected and signs out, all by the pages' own forms`()
        async throws
    {
        try await with(["GODWIT_ADMIN_TOKEN": "hush-hush-hush"]) { place, admin, browser in
            let driver = try await browser.drive()
            defer { driver.end() }
            let base = "http://127.0.0.1:\(admin.port)"
            try await driver.open(base + "/consumers/identity")
            #expect(try await driver.evaluate("location.pathname") == "/signin")
            try await driver.submit(["actor": "Ada", "token": "hush-hush-hush"], by: "main button")
            #expect(
                try await driver.evaluate("location.pathname") == "/consumers/identity", "back to where it wanted to go"
            )
            #expect(try await driver.evaluate("document.cookie").isEmpty, "no script sees the session")
            try await driver.submit([:], by: "[formaction='/api/consumers/identity/pause']")
            #expect(try await driver.evaluate("document.querySelector('.done').textContent").hasPrefix("Paused"))
            try await driver.submit([:], by: "[formaction='/api/consumers/identity/resume']")
            try await driver.open(base + "/parked")
            _ = try await driver.evaluate("document.querySelector('[data-check=event]').click()")
            try await driver.submit([:], by: "[formaction='/api/parked/redrive']")
            #expect(
                try await driver.evaluate("document.querySelector('.done').textContent").hasPrefix(
                    "To be delivered again"))
            try await driver.open(base + "/audit")
            let audit = try await driver.evaluate("document.querySelector('table').textContent")
            for word in ["pause", "resume", "redrive", "Ada (admin 127.0.0.1)"] {
                #expect(audit.contains(word), "\(word)")
            }
            try await driver.submit([:], by: ".user button")
            #expect(try await driver.evaluate("location.pathname") == "/signin")
            try await driver.open(base + "/audit")
            #expect(try await driver.evaluate("location.pathname") == "/signin")
        }
    }
}
