namespace Tidemark.Domain.Clickstream.Streams;

/// <summary>Where countries are: the middle of each, in degrees, by ISO 3166 code and English name. Good to a few hundred kilometres.</summary>
internal static class Countries
{
    private static readonly Dictionary<string, (double Latitude, double Longitude)> Places = new(StringComparer.OrdinalIgnoreCase);

    static Countries()
    {
        Add("AR", "Argentina", -34, -64);
        Add("AU", "Australia", -25, 134);
        Add("AT", "Austria", 47.5, 14.5);
        Add("BH", "Bahrain", 26, 50.5);
        Add("BE", "Belgium", 50.6, 4.6);
        Add("BR", "Brazil", -10, -53);
        Add("BG", "Bulgaria", 42.7, 25.5);
        Add("CA", "Canada", 57, -100);
        Add("CL", "Chile", -33, -71);
        Add("CN", "China", 35, 103);
        Add("CO", "Colombia", 4, -73);
        Add("HR", "Croatia", 45.4, 15.5);
        Add("CY", "Cyprus", 35, 33);
        Add("CZ", "Czech Republic", 49.8, 15.5);
        Add("DK", "Denmark", 56, 10);
        Add("EG", "Egypt", 27, 30);
        Add("EE", "Estonia", 58.7, 25.5);
        Add("FI", "Finland", 63, 26);
        Add("FR", "France", 46.6, 2.5);
        Add("DE", "Germany", 51, 10.3);
        Add("GR", "Greece", 39, 22);
        Add("HK", "Hong Kong", 22.3, 114.2);
        Add("HU", "Hungary", 47.2, 19.4);
        Add("IS", "Iceland", 65, -18.5);
        Add("IN", "India", 22, 79);
        Add("ID", "Indonesia", -2, 118);
        Add("IE", "Ireland", 53.2, -8);
        Add("IL", "Israel", 31.4, 35);
        Add("IT", "Italy", 42.8, 12.7);
        Add("JP", "Japan", 36.5, 138);
        Add("KE", "Kenya", 0.5, 38);
        Add("LV", "Latvia", 57, 25);
        Add("LB", "Lebanon", 33.9, 35.9);
        Add("LT", "Lithuania", 55.2, 24);
        Add("LU", "Luxembourg", 49.8, 6.1);
        Add("MY", "Malaysia", 3.5, 109);
        Add("MT", "Malta", 35.9, 14.4);
        Add("MX", "Mexico", 23.6, -102.5);
        Add("NL", "Netherlands", 52.2, 5.5);
        Add("NZ", "New Zealand", -41.5, 172.5);
        Add("NG", "Nigeria", 9, 8);
        Add("NO", "Norway", 62, 10);
        Add("PL", "Poland", 52, 19.3);
        Add("PT", "Portugal", 39.6, -8);
        Add("RO", "Romania", 45.9, 25);
        Add("SA", "Saudi Arabia", 24, 45);
        Add("SG", "Singapore", 1.35, 103.8);
        Add("SK", "Slovakia", 48.7, 19.5);
        Add("SI", "Slovenia", 46.1, 14.8);
        Add("ZA", "South Africa", -29, 25);
        Add("KR", "South Korea", 36.4, 127.8);
        Add("ES", "Spain", 40.2, -3.6);
        Add("SE", "Sweden", 62, 16.7);
        Add("CH", "Switzerland", 46.8, 8.2);
        Add("TW", "Taiwan", 23.7, 121);
        Add("TH", "Thailand", 15.1, 101);
        Add("TR", "Turkey", 39, 35.2);
        Add("UA", "Ukraine", 49, 31.4);
        Add("AE", "United Arab Emirates", 23.9, 54.3);
        Add("GB", "United Kingdom", 54, -2.5);
        Add("US", "United States", 39.8, -98.6);
        Add("VN", "Vietnam", 16.6, 106.3);
        foreach (var (other, known) in new[] { ("UK", "GB"), ("EIRE", "IE"), ("Channel Islands", "GB"), ("USA", "US"), ("RSA", "ZA") })
            Places[other] = Places[known];
    }

    /// <summary>Distance on the great circle; null when either country is not known.</summary>
    public static double? Kilometres(string from, string to)
    {
        if (!Places.TryGetValue(from, out var a) || !Places.TryGetValue(to, out var b))
            return null;
        const double Radius = 6371;
        var (latitudeA, latitudeB) = (double.DegreesToRadians(a.Latitude), double.DegreesToRadians(b.Latitude));
        var north = Math.Sin((latitudeB - latitudeA) / 2);
        var east = Math.Sin(double.DegreesToRadians(b.Longitude - a.Longitude) / 2);
        return 2 * Radius * Math.Asin(Math.Min(1, Math.Sqrt((north * north) + (Math.Cos(latitudeA) * Math.Cos(latitudeB) * east * east))));
    }

    private static void Add(string code, string name, double latitude, double longitude)
    {
        Places[code] = (latitude, longitude);
        Places[name] = (latitude, longitude);
    }
}
