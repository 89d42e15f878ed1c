/// How far the reports of a batch have come.
package struct BatchProgress: Sendable, Equatable {
    package struct Failure: Sendable, Equatable {
        package let index: Int
        package let error: KafkaError
    }

    package let count: Int
    /// Records acknowledged without a gap from the first on.
    package let acknowledgedPrefix: Int
    package let acknowledged: Int
    /// The failure of the lowest index reported so far.
    package let failure: Failure?
    /// Nothing more is to be waited for: feeding has ended and everything fed is reported, or the producer has failed
    /// or is closed (reports that come even so are still taken in). Without a failure and with
    /// `acknowledged == count`, the whole batch is in the log.
    package let isSettled: Bool

    package var isDelivered: Bool { acknowledged == count }
}
