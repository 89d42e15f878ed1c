import EventSourcing
import Foundation
import Postgres
import TestSupport
import Testing

@testable import Appliance

extension RelayFixture {
    /// Runs a command to its end.
    func godwit(_ arguments: [String], _ more: [String: String] = [:]) async throws -> Command.Result {
        try await command(arguments, more).run()
    }

    /// Starts a command.
    func start(_ arguments: [String], _ more: [String: String] = [:]) throws -> RunningCommand {
        try command(arguments, more).start()
    }

    private func command(_ arguments: [String], _ more: [String: String]) -> Command {
        var command = Command.godwit(environment: variables.merging(more) { $1 })
        command.arguments = arguments
        return command
    }

    /// Runs a command with `--json` and gives its report.
    func report(
        _ arguments: [String], _ more: [String: String] = [:], exits code: Int32 = 0,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> JSONValue {
        let result = try await godwit(arguments + ["--json"], more)
        #expect(result.exitCode == code, "\(result.standardError)", sourceLocation: sourceLocation)
        return try JSONValue(parsing: result.standardOutput)
    }

    /// Expects a refusal with one line that holds a word.
    func expectRefusal(
        _ arguments: [String], _ code: Int32, _ word: String, _ more: [String: String] = [:],
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let result = try await godwit(arguments, more)
        #expect(result.exitCode == code, "\(result.standardError)", sourceLocation: sourceLocation)
        #expect(result.standardError.contains(word), "\(result.standardError)", sourceLocation: sourceLocation)
        #expect(result.standardOutput.isEmpty, "\(result.standardOutput)", sourceLocation: sourceLocation)
    }

    /// Appends the events in one transaction each, and gives them as they are stored.
    func append(_ events: [Event]) async throws -> [PersistedEvent] {
        let connection = try await test.connect()
        for event in events {
            _ = try await connection.withTransaction { try await test.store.append([event], expecting: .any, in: $0) }
        }
        let stored = try await test.store.readEvents(after: 0, limit: 100_000, in: connection)
        await connection.close()
        return stored
    }

    /// Everything in a table, as text.
    func rows(of table: TableName) async throws -> [String] {
        let connection = try await test.connect()
        let rows = try await connection.query(Statement("SELECT t::text FROM \(table.sql) AS t ORDER BY 1"))
        await connection.close()
        return try rows.map { try $0.decode(0) }
    }
}

extension JSONValue {
    init(parsing text: String) throws {
        self = try JSONParser.parse(text)
    }

    var integer: Int? { if case .number(let digits) = self { Int(digits) } else { nil } }
    var string: String? { if case .string(let text) = self { text } else { nil } }
    var items: [JSONValue] { if case .array(let items) = self { items } else { [] } }
}
