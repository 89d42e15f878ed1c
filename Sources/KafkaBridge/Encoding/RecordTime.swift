/// A record's time in milliseconds since 1970, as Kafka takes it.
enum RecordTime {
    /// Kafka knows no time before 1970, and librdkafka takes 0 for now.
    static func milliseconds(_ microseconds: Int64) -> Int64 { max(1, microseconds / 1_000) }
}
