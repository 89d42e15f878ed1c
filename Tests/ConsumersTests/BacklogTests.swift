import EventSourcing
import TestSupport
import Testing

@testable import Consumers

@Suite struct BacklogTests {
    private struct Row {
        let position: Int64
        let aggregateID: String
        let segment: Int
        var age: Duration { .seconds(100_000 - position) }
    }

    private static func segment(_ id: String, _ total: Int) -> Int {
        let bytes = Array(id.utf8)
        return FNV1aPartitionStrategy().segment(of: bytes.span.bytes, totalSegments: total)
    }

    /// Reads as the database would, in bounded readings, until the value wants no more.
    private func read(_ backlog: inout Backlog, _ rows: [Row], latest: Int64, limit: Int, width: Int64) -> Int {
        var readings = 0
        while let start = backlog.nextReading {
            readings += 1
            let last = min(latest, start + width)
            let found = rows.filter { $0.position > start && $0.position <= last }.prefix(limit)
            let end = found.count == limit ? found.last?.position ?? last : last
            backlog.take(from: start, through: end, found.map { ($0.position, Array($0.aggregateID.utf8), $0.age) })
        }
        return readings
    }

    @Test func `with enough readings the count is exact, and never is it too low or the oldest too young`() {
        var random = seeded("backlogs")
        for _ in 0..<300 {
            let total = Int.random(in: 1...6, using: &random)
            var position: Int64 = 0
            let rows = (0..<Int.random(in: 0...80, using: &random)).map { _ in
                position += Int64.random(in: 1...3, using: &random)
                let id = "a\(Int.random(in: 0...9, using: &random))"
                return Row(position: position, aggregateID: id, segment: Self.segment(id, total))
            }
            let latest = position
            let checkpoints = (0..<total).reduce(into: [Int: Int64]()) {
                $0[$1] = Int64.random(in: 0...latest + 2, using: &random)
            }
            for (limit, most) in [(1000, 3), (7, 100), (7, 3), (1, 2)] {
                var backlog = Backlog(
                    checkpoints: checkpoints, totalSegments: total, latest: latest, strategy: FNV1aPartitionStrategy(),
                    mostReadings: most)
                let readings = read(&backlog, rows, latest: latest, limit: limit, width: 60)
                #expect(readings <= most)
                for segment in 0..<total {
                    let waiting = rows.filter { $0.segment == segment && $0.position > checkpoints[segment] ?? 0 }
                    guard let lag = backlog.lag(of: segment) else {
                        Issue.record("a segment has no lag")
                        continue
                    }
                    #expect(lag.events >= Int64(waiting.count))
                    if lag.isExact { #expect(lag.events == Int64(waiting.count)) }
                    if let oldest = lag.oldest { #expect(oldest == waiting.first?.age) }
                    if limit == 1000, latest < 60 { #expect(lag.isExact && lag.oldest == waiting.first?.age) }
                    // A slow segment must not hide how the fast ones stand.
                    if most == 100 { #expect(waiting.isEmpty || lag.oldest != nil) }
                }
            }
        }
    }

    @Test func `nothing is read where nothing waits, and a segment that is not there has no lag`() {
        let backlog = Backlog(
            checkpoints: [0: 10, 1: 12], totalSegments: 2, latest: 10, strategy: FNV1aPartitionStrategy())
        #expect(backlog.nextReading == nil)
        #expect(backlog.lag(of: 0) == SegmentLag(counted: 0) && backlog.lag(of: 1) == SegmentLag(counted: 0))
        #expect(backlog.lag(of: 2) == nil)
    }
}
