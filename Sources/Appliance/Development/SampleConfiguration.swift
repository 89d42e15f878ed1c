/// What `dev` and `demo` relay: three bounded contexts, one of them with a topic per aggregate type.
package enum SampleConfiguration {
    /// A bounded context with its aggregate types and, by each, the event types.
    struct Context: Sendable {
        let name: String
        let aggregates: [(type: String, events: [String])]
    }

    static let contexts = [
        Context(
            name: "Identity",
            aggregates: [("User", ["UserRegistered", "EmailChanged", "PasswordChanged"])]),
        Context(
            name: "Billing",
            aggregates: [
                ("Invoice", ["InvoiceIssued", "InvoiceSent", "InvoicePaid"]),
                ("Payment", ["PaymentTaken", "PaymentRefunded"]),
            ]),
        Context(name: "Shipping", aggregates: [("Parcel", ["ParcelPacked", "ParcelSent", "ParcelDelivered"])]),
    ]

    /// The topics that the consumers below lead to.
    static let topics = ["identity", "billing.Invoice", "billing.Payment", "shipping"]
    static let partitions = 4

    /// The file, for a database and a broker.
    static func yaml(databaseURL: String, bootstrapServers: String) -> String {
        """
        database:
          url: \(JSONValue.string(databaseURL).text)
        kafka:
          bootstrap_servers: \(JSONValue.string(bootstrapServers).text)
        notify:
          mode: adaptive
          # For events that are inserted by hand and notify nobody.
          fallback_interval: 1s
        consumers:
          identity:
            bounded_contexts: [Identity]
            topic: identity
          billing:
            bounded_contexts: [Billing]
            topic: "billing.{aggregate_type}"
            topics_allowed: ["billing.*"]
          shipping:
            bounded_contexts: [Shipping]
            topic: shipping

        """
    }
}
