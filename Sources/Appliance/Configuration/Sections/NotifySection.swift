/// `notify`: how an append wakes the relay.
package struct NotifySection: Sendable {
    package enum Mode: String, Sendable {
        case auto, adaptive, always, never
    }

    package var mode: Mode
    package var channel: String
    package var fallbackInterval: Duration

    init(_ values: inout ConfigurationValues) {
        mode = Mode(rawValue: values.text("notify.mode")) ?? .auto
        channel = values.text("notify.channel")
        fallbackInterval = values.duration("notify.fallback_interval")
    }
}
