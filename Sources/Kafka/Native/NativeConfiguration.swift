internal import CLibRDKafka

/// librdkafka's configuration object, freed unless a client has taken it over.
@safe struct NativeConfiguration: ~Copyable {
    private let pointer: OpaquePointer

    private init() {
        unsafe pointer = rd_kafka_conf_new()
    }

    deinit { unsafe rd_kafka_conf_destroy(pointer) }

    /// For a producer that keeps the promise.
    init(producer configuration: ClientConfiguration) throws(KafkaError) {
        self.init()
        try set(ClientConfiguration.producerDefaults)
        try set("linger.ms", "\(configuration.lingerUnderLoad.wholeMilliseconds)")
        try apply(configuration)
        try set(configuration.promised)
        unsafe rd_kafka_conf_set_events(pointer, Int32(RD_KAFKA_EVENT_DR | RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_STATS))
    }

    /// For administration and metadata: a producer's handle that produces nothing.
    init(admin configuration: ClientConfiguration) throws(KafkaError) {
        self.init()
        try apply(configuration)
        unsafe rd_kafka_conf_set_events(pointer, Int32(RD_KAFKA_EVENT_ERROR))
    }

    /// For a reader without a group.
    init(reader configuration: ClientConfiguration, isolation: IsolationLevel) throws(KafkaError) {
        self.init()
        try set([
            ("fetch.wait.max.ms", "100"), ("fetch.error.backoff.ms", "50"), ("queued.max.messages.kbytes", "16384"),
        ])
        try apply(configuration)
        try set([
            ("enable.auto.commit", "false"), ("enable.auto.offset.store", "false"), ("enable.partition.eof", "true"),
            ("isolation.level", isolation.rawValue), ("auto.offset.reset", "error"),
        ])
    }

    private func apply(_ configuration: ClientConfiguration) throws(KafkaError) {
        try set(ClientConfiguration.commonDefaults)
        try set("client.id", configuration.clientID)
        guard !configuration.bootstrapServers.isEmpty else {
            throw KafkaError(.configuration, message: "`bootstrap_servers` is empty: name at least one host:port")
        }
        try set("bootstrap.servers", configuration.bootstrapServers)
        unsafe rd_kafka_conf_set_ssl_cert_verify_cb(pointer) { _, broker, _, code, depth, _, _, text, size, opaque in
            guard let opaque = unsafe opaque, let code = unsafe code else { return 0 }
            let name = unsafe broker.map { unsafe String(cString: $0) } ?? "a broker"
            let context = unsafe ClientContext.of(opaque)
            if unsafe context.judge(certificateOf: name, code: code.pointee, isLast: depth == 0) { return 1 }
            if let text = unsafe text, size > 0 { unsafe text.pointee = 0 }
            return 0
        }
        if configuration.tokens != nil {
            unsafe rd_kafka_conf_set_oauthbearer_token_refresh_cb(pointer) { client, _, opaque in
                guard let client = unsafe client, let opaque = unsafe opaque else { return }
                unsafe ClientContext.of(opaque).refreshToken(of: client)
            }
            unsafe rd_kafka_conf_enable_sasl_queue(pointer, 1)
        }
        for (name, value) in configuration.properties.sorted(by: { $0.key < $1.key }) {
            if let rule = PropertyRule.violated(by: name, value: value) {
                throw KafkaError(.configuration, message: "`\(name)` cannot be set: \(rule.reason)")
            }
            if let flaw = KnownProperties.flaw(of: name, value: value) {
                throw KafkaError(.configuration, message: "`\(name)` \(flaw)")
            }
            try set(name, value)
        }
    }

    private func set(_ settings: [(name: String, value: String)]) throws(KafkaError) {
        for setting in settings { try set(setting.name, setting.value) }
    }

    private func set(_ name: String, _ value: String) throws(KafkaError) {
        var text = [CChar](repeating: 0, count: 512)
        let result = unsafe rd_kafka_conf_set(pointer, name, value, &text, text.count)
        guard result != RD_KAFKA_CONF_OK else { return }
        if result == RD_KAFKA_CONF_UNKNOWN {
            throw KafkaError(.configuration, message: "`\(name)` is not a property that this librdkafka knows")
        }
        // librdkafka quotes the value in its message.
        let message =
            PropertyRule.isSecret(name)
            ? "the value of `\(name)` is not accepted (it is not shown)"
            : "`\(name)`: \(String(nulTerminated: text))"
        throw KafkaError(.configuration, message: message)
    }

    /// Builds the client. On success librdkafka owns the configuration, else this value still does and frees it.
    consuming func makeClient(
        _ type: rd_kafka_type_t, _ configuration: ClientConfiguration, sink: LogSink
    ) throws(KafkaError) -> ClientHandle {
        let context = ClientContext(sink: sink, configuration: configuration)
        var text = [CChar](repeating: 0, count: 512)
        unsafe rd_kafka_conf_set_opaque(pointer, Unmanaged.passUnretained(context).toOpaque())
        unsafe rd_kafka_conf_set_log_cb(pointer) { client, level, facility, line in
            guard let client = unsafe client, let opaque = unsafe rd_kafka_opaque(client), let line = unsafe line
            else { return }
            let source = unsafe facility.map { unsafe String(cString: $0) } ?? ""
            unsafe ClientContext.of(opaque).log(level, source, String(cString: line))
        }
        guard let client = unsafe TimerSlack.tolerant({ unsafe rd_kafka_new(type, pointer, &text, text.count) }) else {
            let error = context.explain(KafkaError(.configuration, message: String(nulTerminated: text)))
            _ = consume self
            throw error
        }
        discard self
        // Let go of when the client is destroyed.
        _ = unsafe Unmanaged.passRetained(context)
        let handle = unsafe ClientHandle(client, context: context)
        if configuration.tokens != nil, let error = unsafe rd_kafka_sasl_background_callbacks_enable(client) {
            let failure = unsafe KafkaError(consuming: error)
            handle.destroy()
            throw KafkaError(.configuration, message: failure.message)
        }
        return handle
    }
}

extension String {
    init(nulTerminated text: [CChar]) {
        self = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
