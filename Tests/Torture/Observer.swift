import Postgres
import TestSupport

/// Looks at what must hold all the time: checkpoints that never go back, and what the processes take.
actor Observer {
    private let world: World
    private var checkpoints: [String: Int64] = [:]
    /// I6: checkpoints that went back.
    private(set) var violations: [String] = []
    private(set) var usage = Usage()

    struct Usage: Sendable, CustomStringConvertible {
        var memory = Range(), descriptors = Range(), threads = Range(), sessions = Range()

        struct Range: Sendable {
            var least = Int.max
            var most = 0
            /// Of the first and the second half of the samples.
            var halves: [(sum: Int, count: Int)] = [(0, 0), (0, 0)]

            mutating func add(_ value: Int, isSecondHalf: Bool) {
                least = min(least, value)
                most = max(most, value)
                halves[isSecondHalf ? 1 : 0].sum += value
                halves[isSecondHalf ? 1 : 0].count += 1
            }

            /// From the mean of the first half to that of the second.
            var means: String {
                halves.map { $0.count == 0 ? "–" : "\($0.sum / $0.count)" }.joined(separator: " → ")
            }
        }

        var description: String {
            func text(_ name: String, _ range: Range, _ unit: Int = 1) -> String {
                if range.most == 0 { return "\(name) –" }
                let means = range.halves.map { $0.count == 0 ? "–" : "\($0.sum / $0.count / unit)" }
                return "\(name) \(range.least / unit)–\(range.most / unit) (\(means.joined(separator: " → ")))"
            }
            return [
                text("memory MB", memory, 1_000_000), text("descriptors", descriptors), text("threads", threads),
                text("sessions", sessions),
            ].joined(separator: ", ")
        }
    }

    init(_ world: World) { self.world = world }

    func run(from start: ContinuousClock.Instant, until end: ContinuousClock.Instant) async throws {
        var connection: Connection?
        while ContinuousClock.now < end {
            try await Task.sleep(for: .milliseconds(300))
            let isSecondHalf = ContinuousClock.now - start > (end - start) / 2
            for one in await world.usage() {
                usage.memory.add(one.memory, isSecondHalf: isSecondHalf)
                usage.descriptors.add(one.descriptors, isSecondHalf: isSecondHalf)
                usage.threads.add(one.threads, isSecondHalf: isSecondHalf)
            }
            do {
                let open: Connection
                if let connection { open = connection } else { open = try await world.connect() }
                connection = open
                try await look(open, isSecondHalf)
            } catch {
                await connection?.close()
                connection = nil
            }
        }
        await connection?.close()
    }

    private func look(_ connection: Connection, _ isSecondHalf: Bool) async throws {
        let rows = try await connection.query(
            Statement("SELECT consumer_name, segment_id, checkpoint FROM consumer_segments"))
        for row in rows {
            let place = "\(try row.decode(0, as: String.self)) segment \(try row.decode(1, as: Int32.self))"
            let checkpoint: Int64 = try row.decode(2)
            if let before = checkpoints[place], before > checkpoint {
                violations.append("I6: the checkpoint of \(place) went from \(before) to \(checkpoint)")
            }
            checkpoints[place] = checkpoint
        }
        let sessions = try await connection.query(
            Statement("SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'godwit%'"))
        usage.sessions.add(try sessions.first?.decode(0) ?? 0, isSecondHalf: isSecondHalf)
    }
}
