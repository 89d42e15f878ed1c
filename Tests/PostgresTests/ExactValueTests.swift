import Postgres
import TestSupport
import Testing

/// Numbers and dates that Swift's own types do not hold exactly.
@Suite struct ExactValueTests {
    private func withConnection<Value>(_ body: (Connection) async throws -> Value) async throws -> Value {
        let connection = try await Connection.open(ConnectionConfiguration(TestPostgres.shared.url()))
        let value = try await body(connection)
        await connection.close()
        return value
    }

    private static let numbers = [
        "0", "0.00", "1", "-1", "10000", "9999", "0.1", "-0.0001", "0.00001", "12345678901234567890.123456789", "1.50",
        "100000000", "0.000000001", "-99999999.9999", "123e3", "1e-7", "NaN", "Infinity", "-Infinity",
        "3." + String(repeating: "14159", count: 60), String(repeating: "9", count: 200),
    ]

    @Test func `a numeric is the same here as there, to the last digit`() async throws {
        try await withConnection { connection in
            for text in Self.numbers {
                let number = try #require(PostgresNumeric(text), "\(text)")
                let row = try #require(
                    try await connection.query(
                        "SELECT \(number)::text, \(text)::numeric, \(text)::numeric::text, \(number)"
                    )
                    .first)
                let (sent, read, shown, back) = try row.decode(
                    String.self, PostgresNumeric.self, String.self, PostgresNumeric.self)
                #expect(sent == shown && read == number && back == number && read.description == shown, "\(text)")
                #expect(number.description == shown, "\(text)")
            }
        }
    }

    @Test func `numerics are in PostgreSQL's order`() async throws {
        try await withConnection { connection in
            let sorted = try await connection.query("SELECT v FROM unnest(\(Self.numbers)::numeric[]) AS v ORDER BY v")
                .map { try $0.decode(0, as: PostgresNumeric.self) }
            #expect(sorted == Self.numbers.compactMap { PostgresNumeric($0) }.sorted())
        }
        #expect(PostgresNumeric("1.50") == PostgresNumeric("1.5") && PostgresNumeric.nan == .nan)
        #expect(Set([PostgresNumeric("1.50"), PostgresNumeric("1.5")]).count == 1)
    }

    @Test func `what is no number is none`() {
        for text in ["", "-", ".", "1.2.3", "1e", "0x10", "１", "1 ", "-nan", "e5", "+-1", "1e9999999", "1e-20000"] {
            #expect(PostgresNumeric(text) == nil, "\(text)")
        }
        #expect(PostgresNumeric(".5")?.description == "0.5" && PostgresNumeric("5.")?.description == "5")
    }

    @Test func `a numeric becomes an integer only if it is one`() {
        for integer in [0, 1, -1, 10_000, .max, .min, 99_999_999] {
            #expect(Int(exactly: PostgresNumeric(integer)) == integer)
            #expect(PostgresNumeric(integer).description == "\(integer)")
        }
        #expect(Int(exactly: 5) == 5 && Int(exactly: PostgresNumeric("7.00") ?? 0) == 7)
        for text in ["0.5", "9223372036854775808", "1e30", "NaN", "Infinity", "0.0001"] {
            #expect(PostgresNumeric(text).flatMap { Int(exactly: $0) } == nil, "\(text)")
        }
        #expect(Double(PostgresNumeric("0.1") ?? 0) == 0.1 && Double(PostgresNumeric.nan).isNaN)
        #expect(Double(PostgresNumeric.negativeInfinity) == -.infinity)
    }

    @Test func `dates and times without zone come back as they were sent`() async throws {
        try await withConnection { connection in
            for (year, month, day) in [
                (2024, 2, 29), (1999, 12, 31), (2000, 1, 1), (1, 1, 1), (1582, 10, 15), (9999, 12, 31),
            ] {
                let date = try #require(PostgresDate(year: year, month: month, day: day))
                let time = try #require(PostgresLocalTimestamp(date, hour: 23, minute: 5, second: 9, microsecond: 1))
                let row = try #require(
                    try await connection.query("SELECT \(date), \(date)::text, \(time), \(time)::text").first)
                let read = try row.decode(PostgresDate.self, String.self, PostgresLocalTimestamp.self, String.self)
                #expect(read.0 == date && read.1 == date.description && read.2 == time && read.3 == time.description)
                #expect(read.2.date == date && time.description.hasSuffix("23:05:09.000001"))
                #expect(try #require(read.0.components) == (year, month, day))
            }
            let row = try #require(
                try await connection.query("SELECT date 'infinity', date '-infinity', timestamp 'infinity'").first)
            let ends = try row.decode(PostgresDate.self, PostgresDate.self, PostgresLocalTimestamp.self)
            #expect(ends.0 == .infinity && ends.1 == .negativeInfinity && ends.2 == .infinity && ends.1 < ends.0)
        }
        #expect(
            PostgresDate(year: 2023, month: 2, day: 29) == nil && PostgresDate(year: 2023, month: 13, day: 1) == nil)
        #expect(PostgresDate.infinity.description == "infinity" && PostgresDate.infinity.components == nil)
    }

    @Test func `small numbers have types of their own`() async throws {
        try await withConnection { connection in
            let row = try #require(try await connection.query("SELECT \(Int16.min), \(Float(1.5)), 2.5::real").first)
            let (small, single, double) = try row.decode(Int16.self, Float.self, Double.self)
            #expect(small == .min && single == 1.5 && double == 2.5)
        }
    }
}
