/// Decides which of the outages of a thing are worth a line in the log, where they may follow each other many times a
/// second.
///
/// The first outage and its end are reported at once, and so is each new reason. What follows is counted only, until it
/// has been well, or away, for ``steadyTime``: then one line says how often it went away. Facts and instants in, reports
/// out: no clock.
package struct OutageReports: Sendable {
    package enum Report: Sendable, Equatable {
        /// It went away, or cannot be used for another reason than before.
        case away
        /// It is back.
        case back
        /// It went away so many times, the last of which is over.
        case recovered(times: Int, within: Duration)
        /// It went away so many times, and has stayed away since.
        case stillAway(times: Int, within: Duration)
    }

    /// A series of outages that follow each other closely.
    fileprivate struct Series {
        let begin: ContinuousClock.Instant
        /// When it last went away or came back.
        var changed: ContinuousClock.Instant
        var isAway = true
        /// Whether the last line says that it is away.
        var isReportedAway = true
        var count = 1
        /// How many outages have been reported.
        var reported = 1
        var reasons: Set<String>
    }

    /// An outage, or the time between two, that lasts as long is reported for itself.
    package static let steadyTime: Duration = .seconds(10)

    private var series: Series?

    package init() {}

    /// An attempt has failed.
    ///
    /// - Parameter reason: in words that are the same for each outage of the same kind.
    package mutating func failed(_ reason: String, now: ContinuousClock.Instant) -> Report? {
        if let series, series.isAway || now - series.changed < Self.steadyTime {
            return self.series?.failed(reason, now: now)
        }
        series = Series(begin: now, changed: now, reasons: [reason])
        return .away
    }

    /// An attempt has succeeded; also called now and then while all is well.
    package mutating func succeeded(now: ContinuousClock.Instant) -> Report? {
        guard let known = series else { return nil }
        if !known.isAway, now - known.changed >= Self.steadyTime {
            series = nil
            return known.count > known.reported
                ? .recovered(times: known.count, within: known.changed - known.begin) : nil
        }
        return series?.succeeded(now: now)
    }
}

extension OutageReports.Series {
    fileprivate mutating func failed(_ reason: String, now: ContinuousClock.Instant) -> OutageReports.Report? {
        if !isAway {
            isAway = true
            changed = now
            count += 1
        }
        let isNew = reasons.insert(reason).inserted
        let isLong = !isReportedAway && now - changed >= OutageReports.steadyTime
        guard isNew || isLong else { return nil }
        isReportedAway = true
        reported = count
        return isNew ? .away : .stillAway(times: count, within: changed - begin)
    }

    fileprivate mutating func succeeded(now: ContinuousClock.Instant) -> OutageReports.Report? {
        guard isAway else { return nil }
        isAway = false
        changed = now
        guard isReportedAway else { return nil }
        isReportedAway = false
        return .back
    }
}
