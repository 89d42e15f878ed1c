/// Why an event can never be delivered as it is.
struct Rejection: Sendable, Hashable {
    let reason: DeadLetter.Reason
    /// What is wrong, and what to do.
    let error: String
    /// The topic it was meant for, if it has one.
    var topic: String?

    /// Nothing is wrong with the event itself.
    static let follows = Rejection(reason: .follows, error: "it waits behind an earlier event of its aggregate")
}
