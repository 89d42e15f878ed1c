import Glibc

/// The present as a log shows it.
enum LogTime {
    /// `2026-01-31T09:15:02.123Z`
    static func utc() -> String {
        let (seconds, milliseconds) = now()
        var parts = tm()
        var time = seconds
        gmtime_r(&time, &parts)
        return
            "\(padded(Int(parts.tm_year) + 1900, 4))-\(padded(Int(parts.tm_mon) + 1, 2))-\(padded(Int(parts.tm_mday), 2))"
            + "T\(clock(parts, milliseconds))Z"
    }

    /// `09:15:02.123` in the zone of the terminal's user.
    static func local() -> String {
        let (seconds, milliseconds) = now()
        var parts = tm()
        var time = seconds
        localtime_r(&time, &parts)
        return clock(parts, milliseconds)
    }

    private static func now() -> (seconds: time_t, milliseconds: Int) {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return (now.tv_sec, now.tv_nsec / 1_000_000)
    }

    private static func clock(_ parts: tm, _ milliseconds: Int) -> String {
        "\(padded(Int(parts.tm_hour), 2)):\(padded(Int(parts.tm_min), 2)):\(padded(Int(parts.tm_sec), 2)).\(padded(milliseconds, 3))"
    }

    private static func padded(_ number: Int, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
