/// `notify`: how an append wakes the relay.
package struct NotifySection: Sendable {
    package enum Mode: String, Sendable {
        case auto, adaptive, always, never
    }

    package var mode: Mode
    package var channel: String
    package var fallbackInterval: Duration
    package var reconnectInterval: Duration
    package var maximumReconnectInterval: Duration

    init(_ values: inout ConfigurationValues) {
        mode = Mode(rawValue: values.text("notify.mode")) ?? .auto
        channel = values.text("notify.channel")
        fallbackInterval = values.duration("notify.fallback_interval")
        reconnectInterval = values.duration("notify.reconnect_interval")
        let longest = values.duration("notify.max_reconnect_interval")
        maximumReconnectInterval = max(reconnectInterval, longest)
        if values.isGiven("notify.max_reconnect_interval"), longest < reconnectInterval {
            values.problem(
                "notify.max_reconnect_interval",
                "must not be below \"notify.reconnect_interval\", which is \(DurationText.format(reconnectInterval))")
        }
    }
}
