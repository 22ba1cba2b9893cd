// A client in Java, as people write them: a key store, a trust store, one request.
// java Client.java PORT NAME TRUST.pem|- [KEYS.p12]; the password is "password".
import java.io.FileInputStream;
import java.net.Socket;
import java.security.KeyStore;
import java.security.SecureRandom;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.List;
import javax.net.ssl.*;

public class Client {
    static final char[] PASSWORD = "password".toCharArray();

    static KeyManager[] keys(String path) throws Exception {
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(new FileInputStream(path), PASSWORD);
        KeyManagerFactory factory = KeyManagerFactory.getInstance("PKIX");
        factory.init(store, PASSWORD);
        return factory.getKeyManagers();
    }

    static TrustManager[] trust(String path) throws Exception {
        if (path.equals("-"))
            return new TrustManager[] {new X509ExtendedTrustManager() {
                public void checkClientTrusted(X509Certificate[] c, String a) {}
                public void checkClientTrusted(X509Certificate[] c, String a, Socket s) {}
                public void checkClientTrusted(X509Certificate[] c, String a, SSLEngine e) {}
                public void checkServerTrusted(X509Certificate[] c, String a) {}
                public void checkServerTrusted(X509Certificate[] c, String a, Socket s) {}
                public void checkServerTrusted(X509Certificate[] c, String a, SSLEngine e) {}
                public X509Certificate[] getAcceptedIssuers() { return new X509Certificate[0]; }
            }};
        KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null, null);
        int n = 0;
        for (Certificate c : CertificateFactory.getInstance("X.509")
                                 .generateCertificates(new FileInputStream(path)))
            store.setCertificateEntry("ca" + n++, c);
        TrustManagerFactory factory = TrustManagerFactory.getInstance("PKIX");
        factory.init(store);
        return factory.getTrustManagers();
    }

    public static void main(String[] args) throws Exception {
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(args.length > 3 ? keys(args[3]) : null, trust(args[2]), new SecureRandom());
        try (SSLSocket socket = (SSLSocket) context.getSocketFactory().createSocket(
                 "127.0.0.1", Integer.parseInt(args[0]))) {
            SSLParameters parameters = socket.getSSLParameters();
            parameters.setServerNames(List.of(new SNIHostName(args[1])));
            socket.setSSLParameters(parameters);
            socket.startHandshake();
            socket.getOutputStream().write(
                ("GET / HTTP/1.1\r\nHost: " + args[1] + "\r\nConnection: close\r\n\r\n").getBytes());
            System.out.write(socket.getInputStream().readAllBytes());
        } catch (java.io.IOException e) {
            System.out.println(e);
        }
    }
}
