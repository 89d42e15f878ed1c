import EventSourcing
import Postgres
import TestSupport
import Testing

@testable import Appliance

/// The search of the audit, which looks at some entries at a time.
@Suite struct AuditTrailTests {
    @Test func `a search that has not looked at everything says how far it looked, and goes on from there`()
        async throws
    {
        try await TestStore.with { test in
            let connection = try await test.connect()
            let log = AuditLog(test.tables)
            for number in 0..<25 {
                let entry = AuditEntry(
                    actor: number == 2 ? "ada" : "bob", action: "pause", subject: "consumer c\(number)")
                _ = try await connection.query(log.record(entry))
            }
            var search = try AuditTrail.Search(["q": "ada"])
            var (looks, found) = (0, [AuditTrail.Entry]())
            repeat {
                let trail = try await AuditTrail.read(search, test.tables, lookingAt: 10, on: connection)
                (looks, found) = (looks + 1, found + trail.entries)
                #expect(trail.before == trail.lookedFrom)
                guard let before = trail.before else { break }
                search.before = before
            } while looks < 10
            #expect(looks == 3 && found.map(\.entry.subject) == ["consumer c2"])

            // Exactly as many as are looked at: there is nothing more, and none says so.
            var last = try AuditTrail.Search(["q": "nobody"])
            last.before = found[0].id + 8
            #expect(try await AuditTrail.read(last, test.tables, lookingAt: 10, on: connection).lookedFrom == nil)
            // Without a text, pages go on as far as there is something.
            let all = try await AuditTrail.read(try AuditTrail.Search(["limit": "7"]), test.tables, on: connection)
            #expect(all.entries.count == 7 && all.before == all.entries.last?.id && all.lookedFrom == nil)
            await connection.close()
        }
    }

    @Test func `the page says how far was looked`() throws {
        var trail = AuditTrail()
        (trail.before, trail.lookedFrom) = (501, 501)
        let context = PageContext(caller: .anyone, route: .audit, path: "/audit")
        let page = AuditPage.html(
            .success(try AuditTrail.Search(["q": "ada"])), .success(trail), query: ["q": "ada"], sources: [], context
        ).text
        #expect(page.contains("among those that were looked at") && page.contains("20,000 entries before now"))
        #expect(page.contains("href=\"/audit?q=ada&amp;before=501\""))
        #expect(!page.contains("as far as the audit goes back"))
    }
}
