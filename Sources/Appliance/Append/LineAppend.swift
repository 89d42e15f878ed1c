package import EventSourcing
package import Postgres

/// Appends JSON lines: so many lines are one transaction, all of it or nothing.
package struct LineAppend: Sendable {
    /// What was appended so far.
    package struct Report: Sendable, Equatable {
        package var events = 0
        package var transactions = 0
        package var firstPosition: Int64?
        package var lastPosition: Int64?

        package var json: JSONValue {
            [
                "events": .number(events), "transactions": .number(transactions),
                "first_position": firstPosition.map { .number($0) } ?? .null,
                "last_position": lastPosition.map { .number($0) } ?? .null,
            ]
        }
    }

    let store: EventStore
    let connection: Connection
    let linesPerTransaction: Int

    package init(store: EventStore, connection: Connection, linesPerTransaction: Int) {
        self.store = store
        self.connection = connection
        self.linesPerTransaction = max(1, linesPerTransaction)
    }

    /// Appends to the end of the input, or to the first transaction that is refused.
    ///
    /// - Throws: a failure that names the lines at fault and says what was committed before.
    package func run(_ reader: LineReader) async throws(Failure) -> Report {
        var report = Report()
        var number = 1
        while true {
            let lines = try await reader.lines(atMost: linesPerTransaction)
            guard !lines.isEmpty else { return report }
            do throws(Failure) {
                let runs = try Self.runs(lines, firstNumber: number)
                if !runs.isEmpty { try await append(runs, &report) }
            } catch {
                throw Failure(error.status, "\(error.message)\n\(Self.summary(report, failedAt: number, lines.count))")
            }
            number += lines.count
        }
    }

    private static func summary(_ report: Report, failedAt number: Int, _ count: Int) -> String {
        let range = count == 1 ? "line \(number)" : "lines \(number) to \(number + count - 1)"
        return "nothing of \(range) was appended; committed before: \(report.events) events"
    }

    /// Neighbouring lines of one aggregate, appended in one round trip.
    struct Run: Sendable {
        var firstLine: Int
        var expectedVersion: ExpectedVersion
        var events: [Event]
    }

    /// Parses all lines and names each that is wrong. Empty lines count, but are no events.
    static func runs(_ lines: [String], firstNumber: Int) throws(Failure) -> [Run] {
        var runs: [Run] = []
        var flaws: [String] = []
        for (offset, line) in lines.enumerated() where !line.allSatisfy(\.isWhitespace) {
            do throws(EventLine.Rejection) {
                let parsed = try EventLine.parse(line)
                if let last = runs.indices.last, parsed.expectedVersion == .any,
                    runs[last].events[0].aggregate == parsed.event.aggregate
                {
                    runs[last].events.append(parsed.event)
                } else {
                    runs.append(
                        Run(
                            firstLine: firstNumber + offset, expectedVersion: parsed.expectedVersion,
                            events: [parsed.event]))
                }
            } catch {
                flaws.append("line \(firstNumber + offset): \(error.description)")
            }
        }
        guard flaws.isEmpty else { throw Failure(.input, flaws.joined(separator: "\n")) }
        return runs
    }

    private func append(_ runs: [Run], _ report: inout Report) async throws(Failure) {
        var line = 0
        var positions: [Int64] = []
        do {
            positions = try await connection.withTransaction { transaction in
                var positions: [Int64] = []
                for run in runs {
                    line = run.firstLine
                    positions += try await store.append(run.events, expecting: run.expectedVersion, in: transaction)
                        .positions
                }
                line = 0
                return positions
            }
        } catch {
            let failure = Failure(error)
            // A server that is away is no fault of the line that was under way.
            let isOfLine = line > 0 && [.conflict, .input, .internalError].contains(failure.status)
            throw Failure(failure.status, isOfLine ? "line \(line): \(failure.message)" : failure.message)
        }
        report.events += positions.count
        report.transactions += 1
        report.firstPosition = report.firstPosition ?? positions.min()
        report.lastPosition = max(report.lastPosition ?? 0, positions.max() ?? 0)
    }
}
