/// A record's time in milliseconds since 1970, as Kafka takes it.
enum RecordTime {
    /// The earliest: Kafka knows no time before 1970, and librdkafka takes 0 for now.
    static let first: Int64 = 1

    /// The record's time; `nil` for the time of its sending, which a record gets whose event is later than the year 9999:
    /// as it is no time that brokers take, and `infinity` is none at all.
    static func milliseconds(_ microseconds: Int64) -> Int64? {
        microseconds > TimestampText.range.upperBound ? nil : max(first, microseconds / 1_000)
    }

    /// A time that neither the event's record nor its dead letter is before. Of an event from the future nothing is known:
    /// brokers may have rejected its time, and its dead letter is from the time of its sending.
    static func earliest(_ microseconds: Int64, now: Int64 = CurrentTime.microseconds) -> Int64 {
        microseconds > now ? first : milliseconds(microseconds) ?? first
    }
}
