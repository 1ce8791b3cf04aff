# SPDX-License-Identifier: Apache-2.0

# The page for people where the registry asks for a login: Basic by
# conf/examples/page.conf, tokens, client certificates, and the session of
# mod_auth_openidc.

use OCI::Test;
use OCI::Auth;
use OCI::Browser;
use OCI::Certificates;
use OCI::OpenID;

$ENV{PATH} = "/usr/bin:$ENV{PATH}";
plan(skip_all => 'chromedriver is not installed')
    if system 'command -v chromedriver >/dev/null';

my $browser = OCI::Browser->start;
my $PAGE = "SetHandler oci-page\nRequire all granted";

sub log_in {
    my ($user, $password) = @_;
    utf8::decode($password);
    $browser->click('#account button');
    $browser->type('#user', $user);
    $browser->type('#password', $password);
    $browser->click('dialog [type=submit]');
    return;
}

sub push_as_admin {
    my ($server, @names) = @_;
    my $client = OCI::Client->new($server, headers => [ Authorization =>
        OCI::Auth->new($server, 'admin')->{basic} ]);
    $client->push_image($_, 'v1') for @names;
    return;
}

# The text of an example, changed as a test needs it.
sub example {
    my ($name, %replace) = @_;
    my $text = OCI::Server::slurp("$OCI::Server::TOP/conf/examples/$name.conf");
    for my $from (sort { length $b <=> length $a } keys %replace) {
        $text =~ s/\Q$from\E/$replace{$from}/g or die "$name.conf: no $from\n";
    }
    return $text;
}

subtest 'Basic' => sub {
    my $login = OCI::Auth::file_login();
    my $server = OCI::Server->start(location => '', modules => [qw(auth_basic
        authn_core authn_file authz_user)], after => example('page',
            '/var/lib/mod_oci' => '@STORE@',
            '/etc/mod_oci.passwd' => '@DIR@/passwd')
        . "\n<Location \"/in/\">\nSetHandler oci-page\n$login\n"
        . "Require valid-user\n</Location>");
    $server->allows(qr/AH016(?:17|18|30|31)/);
    OCI::Auth::passwords($server);
    push_as_admin($server, 'team/app');

    # The page asks for the password; the browser does not.
    $browser->open($server->url . '/ui/?repository=team/app');
    like($browser->text_like('main', qr/login/), qr/asks for a login/,
        'the page says what is missing');
    log_in(reader => 'guess');
    like($browser->text_like('dialog', qr/wrong/), qr/password is wrong/,
        'a wrong password is told by the page');
    $browser->shot('login');
    is(join("\n", $browser->violations), '', 'the form is accessible')
        if $browser->can_check;
    $browser->run('document.getElementById("password").value = ""');
    $browser->type('#password', $OCI::Auth::PASSWORD{reader});
    $browser->click('dialog [type=submit]');
    like($browser->text_like('main', qr/1 of 1/), qr/v1/, 'the tags');
    like($browser->text_like('#tree', qr/1 of 1/), qr/team/, 'the tree');
    like($browser->text_like('#account', qr/./), qr/Logged in as reader/,
        'the page says who is logged in');
    $browser->click('#account button');
    like($browser->text_like('main', qr/login/), qr/asks for a login/,
        'after the logout');

    # A browser that has the password for the page has it for the registry.
    $browser->open('http://admin:' . $OCI::Auth::PASSWORD{admin} . '@'
        . $server->host . '/in/?repository=team/app');
    $browser->open($server->url . '/in/?repository=team/app');
    like($browser->text_like('main', qr/1 of 1/), qr/v1/,
        'a page that needs a login itself: the tags');
    like($browser->text_like('#account', qr/./), qr/Logged in as admin/,
        'and who is logged in');
    $server->stop;
    done_testing;
};

# Pulls from pub/ need no login.
subtest 'tokens' => sub {
    my $server = OCI::Server->start(OCI::Auth::setup('tokens, open pull'),
        after => "<Location \"/ui/\">\n$PAGE\n</Location>");
    $server->allows(qr/AH016(?:17|18|30|31)/);
    OCI::Auth::passwords($server);
    my $token = OCI::Auth->new($server, 'admin')->token_for(
        'repository:pub/app:pull,push,delete',
        'repository:team/app:pull,push,delete');
    my $client = OCI::Client->new($server,
        headers => [ Authorization => "Bearer $token" ]);
    $client->push_image($_, 'v1') for qw(pub/app team/app);
    $browser->open($server->url . '/ui/?repository=pub/app');
    like($browser->text_like('main', qr/1 of 1/), qr/v1/,
        'tags without a login');
    unlike($browser->text_like('#tree', qr/\d of \d|no repositories/), qr/team/,
        'other repositories are not listed');
    $browser->open($server->url . '/ui/?repository=pub/app&tag=v1');
    unlike($browser->text_like('main', qr/Manifest as JSON/), qr/Delete/,
        'nothing can be deleted without a login');
    $browser->open($server->url . '/ui/?repository=team/app&tag=v1');
    like($browser->text_like('main', qr/login/), qr/asks for a login/,
        'a login is needed');
    log_in(reader => 'guess');
    like($browser->text_like('dialog', qr/wrong/), qr/password is wrong/,
        'a wrong password is told by the page');
    $browser->press('Escape');
    log_in(reader => $OCI::Auth::PASSWORD{reader});
    unlike($browser->text_like('main', qr/Manifest as JSON/), qr/Delete/,
        'the reader sees it, and cannot delete');
    $browser->click('#account button');
    $browser->text_like('main', qr/login/);
    log_in(writer => $OCI::Auth::PASSWORD{writer});
    $browser->text_like('main', qr/Manifest as JSON/);
    $browser->click('#account button');
    $browser->text_like('main', qr/login/);
    log_in(admin => $OCI::Auth::PASSWORD{admin});
    like($browser->text_like('main', qr/Delete the manifest and all its tags/),
        qr/Delete tag v1/, 'the administrator may delete');
    $browser->click('#deletion ~ p button');
    $browser->click('dialog .danger');
    like($browser->text_like('#status', qr/Deleted/), qr/Deleted/, 'and does');
    $server->stop;
    done_testing;
};

subtest 'client certificates' => sub {
    my $certificates = OCI::Certificates->new
        or plan(skip_all => 'openssl or curl is not installed');
    plan(skip_all => 'certutil is not installed')
        if system 'command -v certutil >/dev/null';
    my %setup = OCI::Auth::setup('certificates',
        extra => $certificates->extra);
    my $server = OCI::Server->start(%setup,
        after => "<Location \"/ui/\">\n$PAGE\n</Location>");
    $server->allows(qr/AH0190[69]|AH01873|AH02227/);
    my $url = 'https://' . $server->host;
    my $admin = $certificates->caller($server, 'admin');
    push_by_caller($admin, 'team/app');
    for my $case ([ admin => qr/Delete tag v1/ ], [ reader => undef ]) {
        my ($name, $deletion) = @$case;
        my $own = OCI::Browser->start(origin => $url,
            certificate => $certificates->dir . "/$name",
            args => ['--ignore-certificate-errors']);
        $own->open("$url/ui/?repository=team/app&tag=v1");
        my $shown = $own->text_like('main', qr/Manifest as JSON/);
        like($shown, qr/team\/app:v1/, "$name sees an image");
        like($own->text_like('#account', qr/./), qr/Logged in as $name/,
            'and who is logged in');
        $deletion ? like($shown, $deletion, 'may delete it')
            : unlike($shown, qr/Delete/, 'may not delete it');
        if ($deletion) {
            $own->click('#deletion ~ p button');
            $own->click('dialog .danger');
            like($own->text_like('#status', qr/Deleted/), qr/Deleted/,
                'and does');
            push_by_caller($admin, 'team/app');
        }
        $own->stop;
    }
    my $without = OCI::Browser->start(args => ['--ignore-certificate-errors']);
    $without->open("$url/ui/?repository=team/app");
    like($without->text_like('main', qr/Try again/), qr/may not do this/,
        'without a certificate: a refusal in words');
    is($without->run('return document.querySelectorAll("#account *").length'),
        0, 'and no form for a password, which would not help');
    $without->stop;
    $server->stop;
    done_testing;
};

# Push an image with curl.
sub push_by_caller {
    my ($caller, $repo) = @_;
    for my $bytes ('{}', 'layer') {
        $caller->request(POST => "/v2/$repo/blobs/uploads/?digest="
            . digest_of($bytes), {}, $bytes)->status == 201 or die;
    }
    $caller->request(PUT => "/v2/$repo/manifests/v1", { 'Content-Type' =>
        IMAGE_MANIFEST }, json_text(image_manifest('{}', ['layer'])))
        ->status == 201 or die;
    return;
}

subtest 'the session of mod_auth_openidc' => sub {
    plan(skip_all => 'mod_auth_openidc is not there')
        if !-e OCI::Server::apxs('LIBEXECDIR') . '/mod_auth_openidc.so';
    my $secret = 'a secret of more than 32 bytes, for HS256';
    my $provider = OCI::OpenID->start(client => 'registry', secret => $secret,
        user => 'alice');
    my $text = example('openidc', '/var/lib/mod_oci' => '@STORE@',
        '/etc/mod_oci.key' => '@DIR@/key.pem',
        'https://registry.example.com' => 'http://127.0.0.1:@PORT@',
        'change-this-too' => 'other', 'change-this' => qq("$secret"));
    # The directives for a provider's endpoints accept only https.
    $text =~ s/^OIDCProvider.*\n//mg;
    my $server = OCI::Server->start(location => '', modules => [qw(authn_core
        authz_user auth_openidc)], after => $text
        . 'OIDCProviderMetadataURL ' . $provider->url . '/metadata');
    $server->allows(qr/auth_openidc:(?:warn|error)/);
    my $access = OCI::Auth::jwt_hmac('a-key-that-both-of-us-keep-for-ourselves',
        { alg => 'HS256', typ => 'JWT' }, { iss => $provider->url,
            sub => 'alice', exp => time + 60, iat => time });
    my $client = OCI::Client->new($server);
    my $token = $client->get('/token/login?'
        . join('&', map { "scope=repository:home/alice/$_:push,pull" } 'a', 'b'),
        Authorization => "Bearer $access")->json->{token};
    $client->{headers} = [ Authorization => "Bearer $token" ];
    $client->push_image("home/alice/$_", 'v1') for qw(a b);

    my $ui = $server->url . '/ui/';
    $browser->open("$ui?repository=home/alice/a");
    like($browser->text_like('main', qr/1 of 1/), qr/v1/,
        'after the login at the provider: the tags');
    is($browser->url, "$ui?repository=home/alice/a", 'at the same address');
    like($browser->text_like('#account', qr/./), qr/Logged in as alice/,
        'and who is logged in');
    like($browser->text_like('#tree', qr/2 of 2/), qr/home/, 'the tree');
    $browser->open("$ui?repository=home/alice/a&tag=v1");
    like($browser->text_like('main', qr/Manifest as JSON/), qr/Delete tag v1/,
        'alice may delete what is hers');

    # The session ends while the page is open.
    $browser->call(DELETE => '/cookie');
    $browser->run('document.querySelector("#tree .toggle").click()')
        if !$browser->run('return document.querySelector(
            "#tree a[href*=\"alice%2Fb\"]")');
    $browser->click('#tree a[href$="b"]');
    like($browser->text_like('main', qr/login/), qr/asks for a login/,
        'without a session: what is missing');
    is($browser->run('return document.querySelectorAll("main button").length'),
        1, 'no form for a password, only "Try again"');
    $browser->run('document.querySelector("main a").id = "old";
        location.hash = "section"');
    $browser->wait_for('return document.querySelector("main a:not(#old)")');
    $browser->click('main a');
    like($browser->text_like('main', qr/1 of 1/), qr/v1/,
        'the link leads through the login to what was asked for');
    is($browser->url, "$ui?repository=home%2Falice%2Fb", 'at its address');
    $server->stop;
    $provider->stop;
    done_testing;
};

$browser->stop;
done_testing;
