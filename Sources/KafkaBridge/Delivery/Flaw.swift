/// Why an event can never be delivered as it is.
struct Flaw: Sendable, Hashable {
    let reason: DeadLetter.Reason
    /// What is wrong, and what to do.
    let error: String
    /// The topic it was meant for, if it has one.
    var topic: String?

    /// Nothing is wrong with the event itself.
    static let follows = Flaw(reason: .follows, error: "it waits behind an earlier event of its aggregate")
}
