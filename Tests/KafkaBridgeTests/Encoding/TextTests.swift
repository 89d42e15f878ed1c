import Foundation
import TestSupport
import Testing

@testable import KafkaBridge

@Suite struct TextTests {
    private func text(_ microseconds: Int64) -> String {
        let time = TimestampText(microseconds: microseconds)
        return String(copying: time.bytes.span.bytes)
    }

    @Test(arguments: [
        (Int64(0), "1970-01-01T00:00:00.000000Z"), (-1, "1969-12-31T23:59:59.999999Z"),
        (951_782_400_000_000, "2000-02-29T00:00:00.000000Z"), (1_700_000_000_123_456, "2023-11-14T22:13:20.123456Z"),
        (-62_135_596_800_000_000, "0001-01-01T00:00:00.000000Z"),
        // A year 0 is none to PostgreSQL and most languages.
        (-62_135_596_800_000_001, "0001-01-01T00:00:00.000000Z"),
        (253_402_300_799_999_999, "9999-12-31T23:59:59.999999Z"),
        (.min, "0001-01-01T00:00:00.000000Z"), (.max, "9999-12-31T23:59:59.999999Z"),
    ])
    func `times are written in UTC`(_ microseconds: Int64, _ expected: String) {
        #expect(text(microseconds) == expected)
    }

    @Test func `times agree with Foundation`() {
        var random = Seeded(3)
        let style = Date.ISO8601FormatStyle(includingFractionalSeconds: false, timeZone: .gmt)
        for _ in 0..<2_000 {
            // From the year 1600 on, where Foundation's calendar is the same.
            let seconds = Int64.random(in: -11_676_096_000...253_402_300_799, using: &random)
            let expected = Date(timeIntervalSince1970: TimeInterval(seconds)).formatted(style)
            #expect(text(seconds * 1_000_000).prefix(19) == expected.prefix(19))
        }
    }

    @Test func `UUIDs are written in lower case`() {
        for _ in 0..<100 {
            let id = UUID()
            let bytes = withUnsafeBytes(of: id.uuid) { Array($0) }
            let text = UUIDText(bytes.span.bytes)
            #expect(String(copying: text.bytes.span.bytes) == id.uuidString.lowercased())
        }
    }

    @Test func `record times are never before the epoch`() {
        #expect(RecordTime.milliseconds(1_700_000_000_123_999) == 1_700_000_000_123)
        #expect(RecordTime.milliseconds(0) == 1)
        #expect(RecordTime.milliseconds(-5_000_000) == 1)
        #expect(RecordTime.milliseconds(.min) == 1)
    }

    @Test func `an event without a time that brokers take gets the time of its sending`() {
        #expect(RecordTime.milliseconds(253_402_300_799_999_999) == 253_402_300_799_999)
        #expect(RecordTime.milliseconds(253_402_300_800_000_000) == nil)
        #expect(RecordTime.milliseconds(.max) == nil)
        #expect(RecordTime.earliest(.max) == 1 && RecordTime.earliest(5_000_000) == 5_000)
        #expect(RecordTime.earliest(9_000_000, now: 8_000_000) == 1)
    }
}
