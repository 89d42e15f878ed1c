import TestSupport
import Testing

@testable import Postgres

@Suite struct StatementCacheTests {
    private typealias Key = StatementCache.Key

    private func key(_ sql: String, _ types: UInt32...) -> Key { Key(sql: sql, types: types) }

    /// Prepares it as a server would that refuses nothing.
    private func prepare(_ key: Key, in cache: inout StatementCache, label: String = "label") throws -> String {
        guard case .prepare(let name) = cache.use(of: key, label: label) else {
            throw Failure(reason: "was not to be prepared: \(key)")
        }
        cache.confirm(key)
        return name
    }

    private struct Failure: Error { let reason: String }

    @Test func `a statement is prepared once, and again for other parameter types`() throws {
        var cache = StatementCache()
        let name = try prepare(key("SELECT $1", 20), in: &cache)
        #expect(cache.use(of: key("SELECT $1", 20), label: "other label") == .prepared(name))
        let other = try prepare(key("SELECT $1", 25), in: &cache)
        #expect(name != other)
    }

    @Test func `texts that differ only in how an accent is encoded are two statements`() throws {
        var cache = StatementCache()
        let composed = key("SELECT 'caf\u{E9}'")
        let decomposed = key("SELECT 'cafe\u{301}'")
        #expect(composed.sql == decomposed.sql)
        #expect(try prepare(composed, in: &cache) != prepare(decomposed, in: &cache))
    }

    @Test func `a name is fit for the server, whatever the label is`() throws {
        var cache = StatementCache(token: "0123456789abc")
        for label in ["", "Read Events; DROP", "\u{1F426}", String(repeating: "x", count: 500)] {
            let name = try prepare(key(label), in: &cache, label: label)
            #expect(name.utf8.count < 63)
            #expect(name.utf8.allSatisfy { "abcdefghijklmnopqrstuvwxyz0123456789_".utf8.contains($0) }, "\(name)")
            #expect(name.contains("0123456789abc"))
        }
    }

    @Test func `two connections make up different names`() throws {
        var (one, other) = (StatementCache(), StatementCache())
        #expect(try prepare(key("SELECT 1"), in: &one) != prepare(key("SELECT 1"), in: &other))
    }

    @Test func `while its preparation is under way a statement is prepared no second time`() {
        var cache = StatementCache()
        guard case .prepare(let name) = cache.use(of: key("SELECT 1"), label: "") else {
            Issue.record("was not to be prepared")
            return
        }
        #expect(cache.use(of: key("SELECT 1"), label: "") == .prepared(name))
        cache.refuse(key("SELECT 1"))
        // The server may have the name, if the refusal was for that.
        #expect(cache.use(of: key("SELECT 1"), label: "") != .prepare(name))
    }

    @Test func `what was not used for the longest time makes room`() throws {
        var cache = StatementCache(capacity: 3)
        let names = try (0..<3).map { try prepare(key("\($0)"), in: &cache) }
        #expect(cache.preparedName(of: key("0")) == names[0])
        _ = try prepare(key("3"), in: &cache)
        #expect(cache.takeSurplus() == [names[1]])
        #expect(cache.preparedName(of: key("1")) == nil)
        #expect(cache.preparedName(of: key("0")) == names[0])
        #expect(cache.preparedName(of: key("2")) == names[2])
        #expect(cache.count == 3)
    }

    @Test func `without a chance to close names the server has no more than twice the capacity`() throws {
        var cache = StatementCache(capacity: 3)
        for number in 0..<6 { _ = try prepare(key("\(number)"), in: &cache) }
        #expect(cache.use(of: key("6"), label: "") == .unprepared)
        #expect(cache.count == 6)
        let surplus = cache.takeSurplus()
        #expect(surplus.count == 3)
        // One could not be closed.
        cache.restore(surplus[0])
        #expect(cache.takeSurplus() == [surplus[0]])
        _ = try prepare(key("6"), in: &cache)
    }

    @Test func `a statement that went stale takes all with it, and a name the server never had takes none`() throws {
        var cache = StatementCache()
        let names = try (0..<3).map { try prepare(key("\($0)"), in: &cache) }
        cache.giveUp("never_confirmed")
        #expect(cache.preparedName(of: key("0")) == names[0])
        cache.giveUp(names[1])
        #expect(Set(cache.takeSurplus()) == Set(names))
        for number in 0..<3 {
            let again = try prepare(key("\(number)"), in: &cache)
            #expect(!names.contains(again))
        }
    }

    @Test func `whatever a server answers, cache and server agree`() throws {
        let seed = seeds(1, of: "statement caches")[0]
        var random = Seeded(seed)
        var cache = StatementCache(capacity: 4)
        // What a server would have, by name.
        var server: [String: Key] = [:]
        for _ in 0..<20_000 {
            let key = key("\(Int.random(in: 0..<12, using: &random))")
            switch cache.use(of: key, label: "label") {
            case .unprepared: break
            case .prepared(let name):
                if server[name] == nil { cache.giveUp(name) } else { #expect(server[name] == key, "seed \(seed)") }
            case .prepare(let name):
                #expect(server[name] == nil, "seed \(seed)")
                if Int.random(in: 0..<5, using: &random) == 0 {
                    cache.refuse(key)
                } else {
                    server[name] = key
                    cache.confirm(key)
                }
            }
            switch Int.random(in: 0..<100, using: &random) {
            case 0: server = [:]
            case 1..<50:
                for name in cache.takeSurplus() {
                    if Int.random(in: 0..<5, using: &random) == 0 { cache.restore(name) } else { server[name] = nil }
                }
            default: break
            }
            #expect(server.count <= cache.count && cache.count <= 8, "seed \(seed)")
        }
    }
}
