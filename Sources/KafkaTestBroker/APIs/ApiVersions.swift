/// `ApiVersions`: the requests and versions that the broker answers.
enum ApiVersions {
    struct Request: RequestBody {
        mutating func fields(_ wire: inout Coder) {
            wire.unused("client_software_name", "", 3...)
            wire.unused("client_software_version", "", 3...)
        }
    }

    struct Response: Message {
        var error = KafkaErrorCode.none
        var versions: [Versions] = API.all.map(Versions.init)

        mutating func fields(_ wire: inout Coder) {
            wire(&error, &versions)
            wire.throttleTime()
        }
    }

    struct Versions: Message {
        var number: Int16 = 0
        var first: Int16 = 0
        var last: Int16 = 0

        mutating func fields(_ wire: inout Coder) { wire(&number, &first, &last) }
    }
}

extension ApiVersions.Versions {
    /// The versions that clients are told of.
    init(_ api: API) {
        // Apache Kafka too names versions of Produce that it does not answer: librdkafka takes their absence for a broker without
        // compression.
        self.init(
            number: api.number, first: api.kind == .produce ? 0 : api.versions.lowerBound, last: api.versions.upperBound
        )
    }
}

extension Broker {
    func apiVersions(_ request: ApiVersions.Request, _ context: RequestContext) {
        context.reply(ApiVersions.Response())
    }
}
