import Foundation
import Testing

@testable import KafkaTestBroker

@Suite("Storage")
struct StorageTests {
    @Test func `the journal keeps the last value of each key, and cuts off a torn entry`() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/metadata"
        var journal: Journal? = try Journal(path, syncs: false)
        for round in 0..<3 {
            for index in 0..<50 { try journal?.put("kind", "key\(index)", round * 100 + index) }
        }
        try journal?.put("kind", "key7", Int?.none)
        journal = nil
        let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        try file.seekToEnd()
        try file.write(contentsOf: Data([0, 0, 0, 40, 1, 2, 3]))
        try file.close()
        let again = try Journal(path, syncs: true)
        let values = try again.values("kind", as: Int.self)
        #expect(values.count == 49)
        #expect(values.allSatisfy { "key\($0.value - 200)" == $0.name })
        try again.put("kind", "key7", 1)
        #expect(try Journal(path, syncs: false).values("kind", as: Int.self).count == 50)
    }

    @Test func `a journal of one key stays small however often it changes`() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/metadata"
        let journal = try Journal(path, syncs: false)
        let value = String(repeating: "x", count: 10_000)
        for _ in 0..<2000 { try journal.put("kind", "key", value) }
        let size = try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int
        #expect(try #require(size) < 6 << 20)
    }
}
