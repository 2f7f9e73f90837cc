using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace SaasLlm.Tests.Webhooks;

/// <summary>Makes certificates that whoever trusts it trusts.</summary>
internal sealed class Authority : IDisposable
{
    private readonly DateTimeOffset _now = DateTimeOffset.UtcNow;
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly X509Certificate2 _certificate;

    public Authority(string name)
    {
        var request = new CertificateRequest($"CN={name}", _key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, critical: true));
        _certificate = request.CreateSelfSigned(_now.AddYears(-1), _now.AddYears(1));
    }

    /// <summary>What is to be trusted.</summary>
    public string Pem => _certificate.ExportCertificatePem();

    /// <summary>A server's certificate for a name, from yesterday on.</summary>
    public X509Certificate2 Issue(string host, TimeSpan? validFor = null)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={host}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(host);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1")], critical: false));
        var from = _now.AddDays(-1);
        using var certificate = request.Create(_certificate, from, from + (validFor ?? TimeSpan.FromDays(30)), RandomNumberGenerator.GetBytes(8));
        return certificate.CopyWithPrivateKey(key);
    }

    public void Dispose()
    {
        _certificate.Dispose();
        _key.Dispose();
    }
}
