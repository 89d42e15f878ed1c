import KafkaBridge
import Postgres
import Testing

@testable import Appliance

@Suite struct ConfigurationEnvironmentTests {
    private typealias Files = ConfigurationFileTests

    @Test func `the environment is enough`() throws {
        let loaded = try Files.read(
            nil,
            environment: [
                "GODWIT_DATABASE_URL": "postgres://db/app", "GODWIT_KAFKA_BOOTSTRAP_SERVERS": "kafka:9092",
                "GODWIT_CONSUMERS_MY_SHOP_TOPIC": "shop", "GODWIT_CONSUMERS_MY_SHOP_BOUNDED_CONTEXTS": "Shop, Stock",
                "GODWIT_CONSUMERS_MY_SHOP_TOPICS_ALLOWED": "", "GODWIT_WORKER_POLL_INTERVAL": "1.5s", "PATH": "/bin",
                "GODWIT_KAFKA_PROPERTIES_COMPRESSION_TYPE": "lz4",
            ])
        #expect(loaded.warnings.isEmpty)
        let consumer = try #require(loaded.configuration.consumers.first)
        #expect(consumer.name == "my_shop" && consumer.topic?.description == "shop")
        #expect(consumer.boundedContexts == ["Shop", "Stock"])
        #expect(consumer.topicsAllowed.patterns.isEmpty)
        #expect(loaded.configuration.worker.pollInterval == .milliseconds(1500))
        #expect(loaded.configuration.kafka.properties == ["compression.type": "lz4"])
    }

    @Test func `a variable overrides the file, also for a consumer with punctuation in its name`() throws {
        let configuration = try Files.read(
            """
            database: { url: postgres://db/app }
            kafka: { bootstrap_servers: file }
            consumers: { my-shop.eu: { topic: file, batch_size: 3 } }
            """,
            environment: [
                "GODWIT_KAFKA_BOOTSTRAP_SERVERS": "variable", "GODWIT_CONSUMERS_MY_SHOP_EU_TOPIC": "variable",
            ]
        ).configuration
        #expect(configuration.kafka.bootstrapServers == "variable")
        #expect(configuration.consumers.map(\.name) == ["my-shop.eu"])
        #expect(
            configuration.consumers[0].topic?.description == "variable" && configuration.consumers[0].batchSize == 3)
    }

    @Test func `an unknown variable is a warning with the nearest known one`() throws {
        let loaded = try Files.read(
            Files.least,
            environment: [
                "GODWIT_KAFKA_BOOTSTRAP_SERVER": "x", "GODWIT_CONSUMERS_IDENTITY_TOPIK": "x", "GODWIT_CONFIG": "x",
                "GODWIT_TEST_KAFKA": "x", "GODWIT_SERVICE_HOST": "10.0.0.1",
                "GODWIT_PORT_9464_TCP": "tcp://10.0.0.1:9464",
            ])
        #expect(
            loaded.warnings.map(\.description) == [
                "GODWIT_CONSUMERS_IDENTITY_TOPIK: unknown variable, not used; did you mean GODWIT_CONSUMERS_NAME_TOPIC?",
                "GODWIT_KAFKA_BOOTSTRAP_SERVER: unknown variable, not used; did you mean GODWIT_KAFKA_BOOTSTRAP_SERVERS?",
            ])
    }

    @Test func `a wrong variable is named, and an empty one is a mistake`() {
        let problems = Files.problems(
            Files.least, environment: ["GODWIT_WORKER_BATCH_SIZE": "lots", "GODWIT_CONSUMERS_IDENTITY_TOPIC": ""])
        #expect(
            problems == [
                "GODWIT_CONSUMERS_IDENTITY_TOPIC: is empty; give it a value or unset it",
                #"GODWIT_WORKER_BATCH_SIZE: "worker.batch_size" is "lots", but must be a whole number"#,
            ])
    }

    @Test func `every scalar of the table can be overridden`() throws {
        for key in ConfigurationKey.all where key.kind != .properties {
            let text = key.kind.isMapping || key.kind.takesMapping ? "{ /a: b }" : "x"
            let (layer, warnings) = ConfigurationEnvironment.read([key.environmentVariable: text], fileConsumers: [])
            #expect(warnings.isEmpty, "\(key.environmentVariable)")
            #expect(layer.values.keys.map(\.pattern) == [key.path])
        }
    }

    @Test func `secrets come from files, without the last line break`() throws {
        let loaded = try Files.read(
            """
            database: { url_file: /run/url, password_file: /run/password }
            kafka: { bootstrap_servers: kafka, properties: { sasl.password_file: /run/kafka } }
            consumers: { a: { topic: a } }
            """,
            environment: ["GODWIT_ADMIN_TOKEN_FILE": "/run/token"],
            files: ["/run/url": "host=db\n", "/run/password": "hush\r\n", "/run/kafka": "psst\n", "/run/token": "t"])
        #expect(loaded.configuration.kafka.properties == ["sasl.password": "psst"])
        #expect(loaded.configuration.admin.token == "t")
        #expect(loaded.configuration.database.connection?.redactedDescription.hasPrefix("db/") == true)
    }

    @Test func `a secret given twice, or in a file that cannot be read or is empty, is a mistake`() {
        let problems = Files.problems(
            "database:\n  url: host=db\n  url_file: /run/url\n  password_file: /run/none\nadmin:\n  token_file: /run/empty\n",
            files: ["/run/url": "host=db", "/run/empty": "\n"], needs: [])
        #expect(
            problems == [
                #"godwit.yaml:3: "database.url" is given too, at godwit.yaml:2; give it or "database.url_file", not both"#,
                #"godwit.yaml:4: the file /run/none of "database.password_file" cannot be read: there is no such file"#,
                #"godwit.yaml:6: the file /run/empty of "admin.token_file" is empty"#,
            ])
    }

    @Test func `a file named in the environment wins over a value in the file`() throws {
        let configuration = try Files.read(
            Files.least, environment: ["GODWIT_DATABASE_URL_FILE": "/run/url"],
            files: ["/run/url": "host=other dbname=x user=u"]
        ).configuration
        #expect(configuration.database.connection?.redactedDescription == "u@other/x")
    }
}
