import FoundationEssentials
import TestSupport
import Testing

@testable import Appliance

/// Times as people write them.
@Suite struct TimeTextTests {
    /// 2026-11-30T20:01:05.25Z, a Monday.
    private static let now = Date(timeIntervalSince1970: 1_796_068_865.25)

    @Test(arguments: [
        ("7d", "2026-11-23T20:01:05Z"), ("36h", "2026-11-29T08:01:05Z"), ("90m", "2026-11-30T18:31:05Z"),
        ("2w", "2026-11-16T20:01:05Z"), ("now", "2026-11-30T20:01:05Z"), ("0", "2026-11-30T20:01:05Z"),
        ("today", "2026-11-30T00:00:00Z"), ("yesterday", "2026-11-29T00:00:00Z"),
        ("2026-11-22", "2026-11-22T00:00:00Z"), ("2026-11-22 10:00", "2026-11-22T10:00:00Z"),
        ("2026-11-22T10:00:30", "2026-11-22T10:00:30Z"), ("2026-11-22T10:00:30Z", "2026-11-22T10:00:30Z"),
        ("2026-11-22 10:00 UTC", "2026-11-22T10:00:00Z"), ("2026-11-22T10:00:00+01:00", "2026-11-22T09:00:00Z"),
        ("2026-11-22 10:00 +0530", "2026-11-22T04:30:00Z"), ("2026-11-22T00:30-02", "2026-11-22T02:30:00Z"),
        ("2024-02-29", "2024-02-29T00:00:00Z"), ("2000-02-29t12:00z", "2000-02-29T12:00:00Z"),
        ("2026-01-01T14:30:00.5Z", "2026-01-01T14:30:00.500Z"), ("1600-01-01", "1600-01-01T00:00:00Z"),
    ])
    func `a time is written in full, whatever way it was given`(text: String, full: String) throws {
        let time = try #require(TimeText(text, now: Self.now))
        #expect(TimeText.full(time.date) == full)
        #expect(time.sentence == (text == full ? full : "\(full) (\(text))"))
    }

    @Test(arguments: [
        "", " ", "7", "7x", "-7d", "d", "99999999999d", "2026", "2026-11", "2026-1-2", "2026-13-01", "2026-00-10",
        "2026-02-29", "2100-02-29", "2026-11-31", "2026-11-22 10", "2026-11-22 24:00", "2026-11-22 10:60",
        "2026-11-22 10:00:60", "2026-11-22x10:00", "2026-11-22 10:00 +25:00", "2026-11-22 10:00 Berlin",
        "2026-11-22T10:00:00.Z", "2026-11-22T10:00:00Zx", "2026-11-22T10:00:00.1234567890Z", "٢٠٢٦-١١-٢٢", "tomorrow",
        "20261122", "1e3d", "2026-11-22 10:00\u{0}", "0001-01-01", "1599-12-31",
    ])
    func `what is no time is refused`(text: String) {
        #expect(TimeText(text, now: Self.now) == nil)
    }

    /// Against the calendar that Foundation has.
    @Test(arguments: seeds(200, of: "times"))
    func `a moment that is written in full is read as the same, in any zone`(seed: UInt64) throws {
        var random = Seeded(seed)
        let seconds = Int64.random(in: -11_676_000_000...250_000_000_000, using: &random)
        let date = Date(timeIntervalSince1970: Double(seconds))
        let full = date.formatted(.iso8601)
        guard full.count == 20, !full.hasPrefix("-"), !full.hasPrefix("0000") else { return }
        #expect(TimeText(full, now: Self.now)?.date == date, "\(full)")
        let minutes = Int.random(in: -14 * 60...14 * 60, using: &random)
        let local = date.addingTimeInterval(Double(minutes) * 60).formatted(.iso8601).dropLast()
        guard local.count == 19, !local.hasPrefix("-"), !local.hasPrefix("0000") else { return }
        let (hour, minute) = (abs(minutes) / 60, abs(minutes) % 60)
        let zone = "\(minutes < 0 ? "-" : "+")\(hour < 10 ? "0" : "")\(hour):\(minute < 10 ? "0" : "")\(minute)"
        #expect(TimeText(local + zone, now: Self.now)?.date == date, "\(local)\(zone)")
    }
}
